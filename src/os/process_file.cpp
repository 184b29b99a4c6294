// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/process_file.hpp"

#include "os/unique_fd.hpp"

#include <cstdio>
#include <string>

#include <fcntl.h>
#include <unistd.h>

namespace einhyrningsins::os {

std::string_view read_process_file(pid_t pid, const char* name, std::span<char> into) {
    char path[48];
    std::snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
    unique_fd file(::open(path, O_RDONLY | O_CLOEXEC));
    ssize_t size = file ? ::read(file.get(), into.data(), into.size()) : 0;
    return {into.data(), size > 0 ? static_cast<std::size_t>(size) : 0};
}

/// The name of the program, in parentheses, may contain anything, even ") S 1": it ends at the last
/// ')'.
std::optional<process_stat> stat_of(pid_t pid) {
    char text[512];
    std::string_view line = read_process_file(pid, "stat", std::span(text).first(sizeof text - 1));
    text[line.size()] = '\0';
    std::size_t name_end = line.rfind(')');
    process_stat facts{};
    bool found = name_end != std::string_view::npos &&
                 std::sscanf(text + name_end, ") %c %d", &facts.state, &facts.parent) == 2;
    return found ? std::optional(facts) : std::nullopt;
}

} // namespace einhyrningsins::os
