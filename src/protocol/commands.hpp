// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/nearest.hpp"

#include <span>
#include <string>
#include <string_view>

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
    reload_config,
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

/// What somebody wrote, fit for an answer: in quotes and one line, short, and not cut within a
/// character.
std::string quoted(std::string_view text);

/// What is said of a name that is no command, with the nearest one.
std::string unknown_command(std::string_view name);

/// Clients speak of typing errors as the master does.
using core::did_you_mean;

/// Whether a worker of another user may ask for this.
bool is_for_workers(verb what);

/// What `help` answers: one line for each command.
std::string help_text();

} // namespace einhyrningsins::protocol
