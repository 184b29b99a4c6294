// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "config/settings.hpp"
#include "core/group_state.hpp"
#include "model/file_version.hpp"
#include "model/identity.hpp"
#include "model/listener.hpp"
#include "model/log_state.hpp"
#include "model/peer.hpp"
#include "model/recipe.hpp"
#include "model/socket_file.hpp"

#include <boost/describe/class.hpp>
#include <boost/json/value.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

/// What a master hands over when it executes another program in its place (SPEC 7.5), as plain
/// data. Descriptors are numbers, which an exec does not change.
namespace einhyrningsins::handoff {

using model::identity;
using model::listener;
using model::socket_file;

/// What the workers of one generation are started from.
struct recipe : model::recipe {
    core::generation generation = 0;
    int directory = -1; ///< descriptor of the working directory
};
BOOST_DESCRIBE_STRUCT(recipe, (model::recipe), (generation, directory))

/// The receiving end of sd_notify(3), see os::notify_socket.
struct notify_socket {
    int fd = -1;
    std::string address;
};
BOOST_DESCRIBE_STRUCT(notify_socket, (), (fd, address))

/// A worker that was requested from a template process, see master::preload.
struct birth_wish {
    core::worker_id id{};
    unsigned index = 0;
    int control = -1; ///< our end of its control socket; -1: there is none
};
BOOST_DESCRIBE_STRUCT(birth_wish, (), (id, index, control))

/// A reaped child that may turn out to be a worker of a template process.
struct stray {
    int pid = 0;
    core::exit_cause cause;
};
BOOST_DESCRIBE_STRUCT(stray, (), (pid, cause))

/// A template process, see master::preload.
struct preload {
    core::generation generation = 0;
    int pid = 0;
    int fd = -1;
    std::string path;
    bool loaded = false;
    bool doomed = false;
    std::string doom;
    std::vector<birth_wish> asked; ///< requested, in this order
    std::vector<birth_wish> waits; ///< to be requested when the object is loaded
    std::vector<stray> strays;
};
BOOST_DESCRIBE_STRUCT(preload, (),
                      (generation, pid, fd, path, loaded, doomed, doom, asked, waits, strays))

/// A process group whose leader, a worker, has ended, see master::leftovers.
struct leftover {
    int pid = 0;            ///< the worker's
    std::int64_t user = -1; ///< the worker's; -1: not known, as in states of earlier versions
    unsigned index = 0;
    core::generation generation = 0;
    int told = 0; ///< the last signal that it was sent; 0: none
    core::time_point deadline;
};
BOOST_DESCRIBE_STRUCT(leftover, (), (pid, user, index, generation, told, deadline))

struct control_socket {
    int fd = -1;
    socket_file file;
};
BOOST_DESCRIBE_STRUCT(control_socket, (), (fd, file))

/// A helper program of a group, see master::helper_process.
struct helper {
    int pid = 0;
    int output = -1;                          ///< the pipe of its output; -1: closed
    std::optional<core::time_point> deadline; ///< of the next signal
    bool told = false;                        ///< SIGTERM has been sent
    std::string why;                          ///< why it was sent; completes "it was ended: "
    std::string line;                         ///< the beginning of an incomplete line of output
    unsigned lines = 0;                       ///< logged so far
    unsigned dropped = 0;                     ///< lines beyond the limit
};
BOOST_DESCRIBE_STRUCT(helper, (), (pid, output, deadline, told, why, line, lines, dropped))

/// The upgrader of a group, see machine::preparation.
struct upgrader {
    std::optional<helper> process;
    bool cancelled = false;                  ///< it has been told to exit
    std::optional<core::upgrade_mode> asked; ///< the upgrade that it was started for; nothing: none
    std::optional<core::time_point> next;    ///< the next run by interval
};
BOOST_DESCRIBE_STRUCT(upgrader, (), (process, cancelled, asked, next))

/// The program of a group with auto_upgrade.
struct followed_program {
    std::string path;                           ///< absolute; empty: not known yet
    std::optional<model::file_version> version; ///< that of the workers; nothing: there was no file
    bool changing = false; ///< the file was written to and has not been closed yet
};
BOOST_DESCRIBE_STRUCT(followed_program, (), (path, version, changing))

/// What the watch file of the worker with an index was like when it was looked at, see
/// master::live_check.
struct watch_look {
    unsigned index = 0;
    std::uint64_t inode = 0;
    std::int64_t touched_at = 0; ///< by the clock of the wall, ns
    core::time_point at;         ///< when it was looked at
};
BOOST_DESCRIBE_STRUCT(watch_look, (), (index, inode, touched_at, at))

struct group {
    config::group_settings settings;
    std::optional<config::group_settings> configured; ///< as in the file, if changed at run time
    bool retired = false;                             ///< no longer in the file
    std::vector<listener> listeners;
    std::vector<listener> old_listeners; ///< only used by older generations
    std::string trouble;                 ///< why the group could not be started; empty: it was
    bool starts_when_opened = false;     ///< its names are being looked up for a start
    core::group_state state;
    /// As whom each worker was started, by its pid. One that is missing: not known, as in states of
    /// earlier versions.
    std::map<unsigned, unsigned> users;
    std::vector<recipe> recipes;
    std::optional<notify_socket> notify;
    std::vector<preload> preloads;
    std::vector<leftover> leftovers;
    std::optional<control_socket> control; ///< the group's own
    std::optional<core::time_point> running_since;
    std::optional<handoff::identity> identity; ///< of new workers; nothing: that of the master
    core::generation made_from = 0;            ///< the first generation with the current settings
    std::optional<handoff::upgrader> upgrader;
    std::optional<core::upgrade_mode> upgrade; ///< begins when its user has been looked up
    std::optional<int> upgrade_signal; ///< for the old workers, of an upgrade that has not begun
    std::optional<helper> stop_command;
    std::optional<followed_program> program; ///< for auto_upgrade
    std::string watch_files;                 ///< the directory of watch files; empty: none
    std::vector<watch_look> looks;           ///< the last one at each of these files
};
BOOST_DESCRIBE_STRUCT(group, (),
                      (settings, configured, retired, listeners, old_listeners, trouble,
                       starts_when_opened, state, users, recipes, notify, preloads, leftovers,
                       control, running_since, identity, upgrader, upgrade, upgrade_signal,
                       stop_command, program, watch_files, looks, made_from))

/// A client of a control socket. Its pid is 0 if the program that accepted it did not record it.
struct connection : model::peer {
    int fd = -1;
    std::string received;   ///< the beginning of an incomplete line
    std::string unsent;     ///< replies that the client has not read
    bool ended = false;     ///< the client has shut down its writing side
    bool closing = false;   ///< nothing more is read from the client
    bool inherited = false; ///< a worker was given it at its start (-g): it cannot connect again
    std::string group;      ///< whose control socket it is connected to; empty: the master's
    /// The pid of the worker that it is or descends from; 0: not determined yet; -1: that worker is
    /// gone.
    int worker = 0;
};
BOOST_DESCRIBE_STRUCT(connection, (model::peer),
                      (fd, received, unsent, ended, closing, inherited, group, worker))

/// A client that waits for the end of an upgrade of some groups, see master::upgrade_watch.
struct watch {
    int fd = -1; ///< of its connection
    boost::json::value id;
    config::dialect_name dialect = config::dialect_name::einhyrningsins;
    std::vector<std::string> groups;    ///< whose upgrade has not ended yet
    std::vector<std::string> upgraders; ///< those of these groups whose upgrade is being prepared
    bool many = false;
    bool ok = true;
    std::string outcome; ///< of the groups whose upgrade has ended
};
BOOST_DESCRIBE_STRUCT(watch, (), (fd, id, dialect, groups, upgraders, many, ok, outcome))

/// A client that waits for a reply of firestarter's dialect until a group has changed, see
/// master::firestarter_watch.
struct group_watch {
    int fd = -1; ///< of its connection
    std::string command;
    std::string group;
    std::vector<int> before; ///< the pids before the change
    bool again = false;      ///< in a restart: the old processes have exited
    bool upgrader = false;   ///< the upgrade is being prepared
    int usual_signal = 0;    ///< from 1.0.0, which changed the group's stop signal temporarily
};
BOOST_DESCRIBE_STRUCT(group_watch, (), (fd, command, group, before, again, upgrader, usual_signal))

/// What the new master is to do, and the client that waits for it.
struct request {
    int fd = -1; ///< of the client's connection; -1: no client waits
    boost::json::value id;
    config::dialect_name dialect = config::dialect_name::einhyrningsins;
    int signal = 0;                            ///< for the old workers; 0: the stop signal
    std::optional<core::upgrade_mode> upgrade; ///< nothing: only reply to the client
    std::vector<std::string> groups;           ///< to upgrade
    bool reload_config = false;                ///< the file of groups is to be read again
};
BOOST_DESCRIBE_STRUCT(request, (), (fd, id, dialect, signal, upgrade, groups, reload_config))

/// An open file. The path is for programs of before, which read it from here.
struct held_file {
    int fd = -1;
    std::string path;
};
BOOST_DESCRIBE_STRUCT(held_file, (), (fd, path))

struct state {
    config::master_settings master;
    std::string working_directory; ///< as the user wrote it, symbolic links included
    core::time_point started_at;
    /// When the master's loop ran last, see loop::turns::last_ran(); nothing: not known.
    std::optional<core::time_point> last_ran;
    std::uint64_t reloads = 0; ///< number of reloads so far
    std::optional<std::uint64_t>
        descriptor_limit; ///< for workers, if the master has raised its own
    core::severity log_level = core::severity::info;
    std::string unwritten_log;         ///< lines that standard error has not accepted yet
    std::size_t dropped_log_lines = 0; ///< those that it will never get, and was not told of
    std::optional<held_file> lock;
    std::optional<held_file> pidfile;
    std::optional<control_socket> control;
    std::optional<unsigned> operators; ///< the gid of --socket-group
    std::vector<group> groups;
    std::vector<socket_file> unused_files; ///< of sockets that are closed: to be removed
    model::logs_state logs;                ///< of the workers' output
    std::vector<connection> connections;
    std::vector<watch> watches;
    std::vector<group_watch> group_watches;
    std::vector<request> requests;
};
BOOST_DESCRIBE_STRUCT(state, (),
                      (master, working_directory, started_at, last_ran, reloads, descriptor_limit,
                       log_level, unwritten_log, dropped_log_lines, lock, pidfile, control,
                       operators, groups, unused_files, logs, connections, watches, group_watches,
                       requests))

/// All descriptors in the state. -1, which stands for something that has to be opened again, is not
/// included.
std::vector<int> descriptors(const state& all);

/// Why no master can be in this state, naming the member: ".groups is empty". Empty: no
/// contradiction was found; descriptors and processes are not examined.
std::string find_contradiction(const state& all);

/// Removes clients whose descriptor cannot be theirs, and what clients wait for that are not there.
/// What they asked for is done all the same. So a contradiction about a client costs that client
/// only, and not the master.
void drop_impossible_clients(state& all);

/// Removes the `missing` descriptors from the state. Clients are removed together with everything
/// that they wait for; everything else gets -1 and must be opened again or, if it is a stream of
/// output, has ended.
void forget(state& all, const std::vector<int>& missing);

} // namespace einhyrningsins::handoff
