// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/nearest.hpp"
#include "protocol/request.hpp"

#include <boost/system/result.hpp>

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace einhyrningsins::protocol {

/// What a command asks for.
enum class verb {
    worker_ack,
    worker_ping,
    ehlo,
    help,
    version,
    status,
    state,
    list,
    inc,
    dec,
    set_workers,
    upgrade,
    upgrade_fleet,
    reload,
    start,
    stop,
    restart,
    killall,
    signal,
    die,
    config,
    louder,
    quieter
};

/// One command of the control socket (SPEC section 8).
struct command {
    verb what;
    const char* name;
    const char* arguments; ///< as help shows them
    const char* help;      ///< one line
    bool for_workers;      ///< workers of other users may give it for themselves
};

/// All commands, in the order of `help`.
std::span<const command> commands();

/// The command of that name, or null.
const command* find_command(std::string_view name);

/// What is said of a name that is no command, with the nearest one.
std::string unknown_command(std::string_view name);

/// Clients speak of typing errors as the master does.
using core::did_you_mean;

/// A request that was understood.
struct order {
    verb what = verb::help;
    std::string group;        ///< empty: all
    unsigned number = 0;      ///< of set_workers
    std::vector<int> signals; ///< of signal and die
    /// Of config: names of long options, '_' or '-' between words, with the values for each.
    std::vector<std::pair<std::string, std::vector<std::string>>> changes;
    int pid = 0;            ///< of worker:ack and worker:ping; 0: the peer's own
    std::string request_id; ///< of worker:ping
};

/// Checks command and arguments. `config` is checked for its form alone: which options there are is
/// not known here. The error is for the client and says what would be right.
boost::system::result<order, std::string> parse_order(const request& from);

/// Whether a worker of another user may ask for this.
bool is_for_workers(verb what);

/// What `help` answers: one line for each command.
std::string help_text();

} // namespace einhyrningsins::protocol
