// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/signal_name.hpp"
#include "core/time.hpp"
#include "core/worker.hpp"
#include "protocol/reply.hpp"
#include "protocol/request.hpp"

#include <boost/json/object.hpp>
#include <boost/system/result.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// firestarter's dialect. A daemon's socket takes objects with `command_type`: "list", "status",
/// "stop", or "ctrl_worker" with a `worker`, which is what a group is called there, and a
/// `command`, an object in turn. That object is what a group's own socket takes. One request a
/// connection.
namespace einhyrningsins::protocol::firestarter {

/// The commands for one group; `request::command` has their `name`, or "list", "status", "stop".
enum class verb { start, stop, restart, inc, dec, upgrade, killall, status, ack, stop_monitor };

struct command {
    verb what;
    const char* name; ///< on a socket
    const char* word; ///< on a command line; null: none
    const char* help;
    bool takes_signal;
};

/// In the order of a command line's help.
std::vector<command> commands();
std::optional<command> find_command(std::string_view name);
std::optional<command> find_word(std::string_view word);

/// Whether that is said in firestarter's dialect. What has an `id`, and what ours has alone, is in
/// ours: both can be spoken on the same socket.
bool is_request(const boost::json::object& from, socket_kind where);

/// `request::id` becomes what the replies call the command.
boost::system::result<request, request_error> read_request(const boost::json::object& from);

/// Such that firestarter itself reads it, too.
std::string request_line(const request& what);

/// One command's answer, as firestarter has it: whatever a master of ours answers. `master` is its
/// process id.
boost::json::object entry(const reply& what, const std::optional<boost::json::value>& id,
                          core::process_id master);

/// What is answered to "list".
boost::json::object name_list(const std::vector<std::string>& names, core::process_id master);

/// Reads any answer: `message` has what it says, of several entries one below the other; names of
/// groups are in lines of their own.
std::optional<reply> parse_reply(std::string_view line);

/// Clients read the names of signals as the master does.
using core::signal_number;

using process_list = std::vector<core::process_id>;

// What it says; scripts know these sentences.

std::string started(const process_list& fresh);
std::string signalled(int signal, const process_list& to);
std::string restarted(const process_list& fresh, const process_list& old);
std::string increased(core::process_id fresh);
std::string decreased(core::process_id gone);
std::string upgraded(const process_list& fresh, const process_list& old);
std::string killed(const process_list& all);
std::string status(const std::string& group, const process_list& all, core::duration uptime);
constexpr const char* acknowledged = "received ack";

} // namespace einhyrningsins::protocol::firestarter
