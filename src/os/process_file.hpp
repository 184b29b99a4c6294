// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include <sys/types.h>

namespace einhyrningsins::os {

/// Reads the beginning of /proc/PID/`name` into `into`, without allocating. Returns what was read;
/// empty: there is no such process.
std::string_view read_process_file(pid_t pid, const char* name, std::span<char> into);

/// The members of /proc/PID/stat that are asked for, see proc(5).
struct process_stat {
    char state;
    pid_t parent;
};
/// Nothing: there is no such process.
std::optional<process_stat> stat_of(pid_t pid);

} // namespace einhyrningsins::os
