// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/nearest.hpp"

#include <span>
#include <string>
#include <string_view>

namespace einhyrningsins::protocol {

/// What a command asks for: all commands of SPEC section 8, which differ in their names only from
/// those of einhorn and firestarter that do the same.
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
    const char* arguments; ///< as `help` shows them; empty: it takes none
    const char* help;      ///< what it does, in one line
    bool for_workers;      ///< workers, who are no operators, may give it for themselves
};

/// The table of commands, in the order of `help`.
std::span<const command> commands();

/// The command of exactly that name; null: there is none.
const command* find_command(std::string_view name);

/// What somebody has written, for a message: core::quoted() with at most 64 bytes.
std::string quoted(std::string_view text);

/// The error about a name that is no command, in one line, with the nearest one.
std::string unknown_command(std::string_view name);

// Clients speak of typing errors as the master does.
using core::did_you_mean;

/// Whether a worker may ask for this, see command::for_workers.
bool is_for_workers(verb what);

/// The answer to `help`: one line for each command, without a newline at the end.
std::string help_text();

} // namespace einhyrningsins::protocol
