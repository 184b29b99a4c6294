// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/signal_name.hpp"
#include "core/time.hpp"
#include "core/worker.hpp"
#include "protocol/order.hpp"
#include "protocol/reply.hpp"
#include "protocol/request.hpp"

#include <boost/json/object.hpp>
#include <boost/system/result.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// firestarter's dialect (SPEC section 5). A daemon's socket takes objects with `command_type`:
/// "list", "status", "stop", or "ctrl_worker" with a `worker`, which is what a group is called
/// there, and a `command`, an object in turn. That object is what a group's own socket takes. One
/// request a connection.
namespace einhyrningsins::protocol::firestarter {

/// The version of firestarter that this is taken from.
constexpr const char* version = "0.3.3";

/// The commands for one group; `request::command` has their `name`, or "list", "status", "stop".
struct command {
    verb what;        ///< the command of ours that does the same
    const char* name; ///< on a socket
    const char* word; ///< on a command line; null: none
    const char* help;
    bool takes_signal;
};

/// The table of these commands, in the order of the command line's help.
std::vector<command> commands();
/// The command with that `name`; nothing: there is none.
std::optional<command> find_command(std::string_view name);
/// The command with that `word`; nothing: there is none.
std::optional<command> find_word(std::string_view word);

/// Whether an object that came in at `where` is a request in firestarter's dialect. One with an
/// `id`, or with a command that only we have, is in ours: both can be spoken on the same socket.
bool is_request(const boost::json::object& from, const socket_kind& where);

/// Reads a request. `request::id` becomes the name of the command in the replies.
boost::system::result<request, request_error> read_request(const boost::json::object& from);

/// Translates a request to a command of ours. The error is for the client.
boost::system::result<order, std::string> read_order(const request& from);

/// A request as one line with its newline, which firestarter itself can read as well.
std::string request_line(const request& what);

/// The answer to one command in firestarter's form. `master`: the process that answers.
boost::json::object entry(const reply& what, const std::optional<boost::json::value>& id,
                          core::process_id master);

/// The answer to "list".
boost::json::object name_list(const std::vector<std::string>& names, core::process_id master);

/// Reads any answer, a line without its newline: `message` has the texts of its entries, or the
/// names of the groups, each in a line of its own. Nothing: it is no answer.
std::optional<reply> parse_reply(std::string_view line);

// Clients read the names of signals as the master does.
using core::signal_number;

using process_list = std::vector<core::process_id>;

// The messages, which scripts know. `fresh` are the processes that were started, `old` those that
// there were before.

/// start; empty: the group was running already.
std::string started(const process_list& fresh);
/// stop.
std::string signalled(int signal, const process_list& to);
/// restart.
std::string restarted(const process_list& fresh, const process_list& old);
/// inc; 0: the group does not run, so that none was started.
std::string increased(core::process_id fresh);
/// dec; 0: none was told to exit, since the last one stays.
std::string decreased(core::process_id gone);
/// upgrade.
std::string upgraded(const process_list& fresh, const process_list& old);
/// killall.
std::string killed(const process_list& all);
/// status; `uptime` is that of the group.
std::string status(const std::string& group, const process_list& all, core::duration uptime);
/// ack.
constexpr const char* acknowledged = "received ack";

} // namespace einhyrningsins::protocol::firestarter
