// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "config/settings.hpp"
#include "core/group_state.hpp"
#include "output/state.hpp"

#include <boost/json/value.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// What one master hands to the next when it executes another program in its place (SPEC 7.5).
/// Plain data; descriptors are named by their numbers, which an exec does not change.
namespace einhyrningsins::handoff {

/// A socket's file, see os::socket_file.
struct socket_file {
    std::string path;
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
};

/// See os::opened_listener.
struct listener {
    int fd = -1;
    std::string address;
    std::string family;
    std::string server_starter_key;
    std::string name;
    std::optional<socket_file> file;
    std::string spec; ///< that asked for it, see master::listener
};

/// Whom a process runs as, see os::identity.
struct identity {
    unsigned user = 0;
    unsigned group = 0;
    std::vector<unsigned> groups;
};

/// What the workers of one generation are made from, see os::spawn_recipe.
struct recipe {
    core::generation generation = 0;
    std::string program;
    std::vector<std::string> arguments;
    std::vector<std::string> environment;
    int directory = -1;
    std::optional<int> nice;
    bool die_with_parent = false;
    std::vector<int> descriptors; ///< those of the listeners that its workers get; borrowed
    std::optional<handoff::identity> identity;
    std::string indexed_entry;
};

/// The receiving side of sd_notify(3), see os::notify_socket.
struct notify_socket {
    int fd = -1;
    std::string address;
};

/// A worker that a template process is to fork, see master::preload.
struct birth_wish {
    core::worker_id id{};
    unsigned index = 0;
    int control = -1; ///< our end of its control socket; -1: there is none
};

/// A child that has ended and may turn out to be a worker.
struct stray {
    int pid = 0;
    core::exit_cause cause;
};

/// A template process, see master::preload.
struct preload {
    core::generation generation = 0;
    int pid = 0;
    int fd = -1;
    std::string path;
    bool loaded = false;
    bool doomed = false;
    std::string doom;
    std::vector<birth_wish> asked; ///< in their order
    std::vector<birth_wish> waits; ///< until it has loaded
    std::vector<stray> strays;
};

struct control_socket {
    int fd = -1;
    socket_file file;
};

/// A program that runs for a group, see master::helper_process.
struct helper {
    int pid = 0;
    int output = -1; ///< the pipe of its output; -1: it has closed it
    std::optional<core::time_point> deadline;
    bool told = false; ///< SIGTERM was sent
    std::string why;
    std::string line; ///< the beginning of one
    unsigned lines = 0;
    unsigned dropped = 0;
};

/// See master::upgrader.
struct upgrader {
    std::optional<helper> process;
    bool cancelled = false;                  ///< it is on its way out
    std::optional<core::upgrade_mode> asked; ///< somebody waits for it
    std::optional<core::time_point> next;    ///< when it runs by itself
};

struct program_version {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::uint64_t size = 0;
    std::int64_t changed_at = 0; ///< ns
};

/// A version of the program, see os::file_version, and what has happened since.
struct followed_program {
    std::string path;
    std::optional<program_version> version; ///< nothing: there was none
    bool changing = false;                  ///< it was still being written to
};

struct group {
    config::group_settings settings;
    std::optional<config::group_settings> configured; ///< if they were changed at run time
    bool retired = false;                             ///< the file has it no more
    std::vector<listener> listeners;
    std::vector<listener> old_listeners; ///< that only older generations have
    std::string trouble;                 ///< why the group could not be started; empty: it could
    core::group_state state;
    std::vector<recipe> recipes;
    std::optional<notify_socket> notify;
    std::vector<preload> preloads;
    std::optional<control_socket> control; ///< the group's own
    std::optional<core::time_point> running_since;
    core::generation made_from = 0; ///< the first generation that is what the settings ask for
    std::optional<handoff::upgrader> upgrader;
    std::optional<helper> stop_command;
    std::optional<followed_program> program; ///< for auto_upgrade
    std::string watch_files;                 ///< the directory of them; empty: there is none
};

/// A client of the control socket.
struct connection {
    int fd = -1;
    int pid = 0;
    unsigned uid = 0;
    unsigned gid = 0;
    std::vector<unsigned> groups;
    std::string received; ///< and not yet understood: the beginning of a line
    std::string unsent;   ///< replies that the client has not taken
    bool ended = false;   ///< it sends nothing more
    bool closing = false; ///< nothing more is read from it
    std::string group;    ///< at whose socket it is; empty: at the master's
};

/// A client that waits for the end of an upgrade of some groups, see master::upgrade_watch.
struct watch {
    int fd = -1; ///< of its connection
    boost::json::value id;
    bool einhorn = false;               ///< it speaks einhorn's dialect
    std::vector<std::string> groups;    ///< whose end is still to come
    std::vector<std::string> upgraders; ///< groups of these whose upgrader runs before
    bool many = false;
    bool ok = true;
    std::string outcome; ///< of those that have ended
};

/// A client that waits for what firestarter answers when a group has changed, see
/// master::firestarter_watch.
struct group_watch {
    int fd = -1; ///< of its connection
    std::string command;
    std::string group;
    std::vector<int> before; ///< the processes that there were
    bool again = false;      ///< of a restart: the old ones have gone
    int usual_signal = 0;    ///< the group's stop signal, if another is used meanwhile
};

/// What is to be done when the new master is there, and who waits for it.
struct wish {
    int fd = -1; ///< of the client's connection; -1: nobody waits
    boost::json::value id;
    bool einhorn = false;
    bool firestarter = false;                  ///< likewise
    int signal = 0;                            ///< for the old workers; 0: their own
    std::optional<core::upgrade_mode> upgrade; ///< nothing: only to be told
    std::vector<std::string> groups;           ///< to upgrade
};

/// A descriptor with the path of its file.
struct held_file {
    int fd = -1;
    std::string path;
};

struct state {
    config::master_settings master;
    std::string working_directory; ///< as the user wrote it
    core::time_point started_at;
    std::uint64_t reloads = 0; ///< that there have been
    std::optional<std::uint64_t>
        descriptor_limit; ///< of the workers, if the master has raised its own
    core::severity log_level = core::severity::info;
    std::string unwritten_log; ///< lines that standard error has not taken
    std::optional<held_file> lock;
    std::optional<held_file> pidfile;
    std::optional<control_socket> control;
    std::vector<group> groups;
    output::capture_state logs; ///< of the workers' output
    std::vector<connection> connections;
    std::vector<watch> watches;
    std::vector<group_watch> group_watches;
    std::vector<wish> wishes;
};

/// Every descriptor that `all` names.
std::vector<int> descriptors(const state& all);

/// What is wrong with a state that no master can have come to, naming the member at fault: ".groups
/// is empty". Empty: nothing, as far as can be seen without looking at descriptors and processes.
std::string find_contradiction(const state& all);

/// Takes out what cannot go on without one of the `missing` descriptors: a client with all that it
/// waits for is gone, everything else has -1 for a descriptor and must be opened anew, or, as a
/// stream of output, has ended.
void forget(state& all, const std::vector<int>& missing);

} // namespace einhyrningsins::handoff
