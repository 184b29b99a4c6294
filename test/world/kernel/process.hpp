// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "world/kernel/file.hpp"
#include "world/kernel/tree.hpp"

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <sys/resource.h>

namespace einhyrningsins::world {

struct descriptor {
    file_ptr file;
    bool closes_on_exec = false;
};
using descriptor_table = std::map<int, descriptor>;

/// A process of the simulated system. The code of the program that is tested runs in it (the
/// master), or what a test says it does (all others).
struct process {
    pid_t pid = 0;
    std::uint64_t number = 0; ///< never reused
    pid_t parent = 0;
    pid_t group = 0;
    uid_t user = 0;
    gid_t user_group = 0;
    std::shared_ptr<descriptor_table> descriptors = std::make_shared<descriptor_table>();
    inode_ptr directory;
    std::string path; ///< of its program
    std::vector<std::string> arguments, environment;
    bool is_zombie = false;
    int status = 0; ///< as wait(2) has it, of a zombie
    std::shared_ptr<pending_signals> pending = std::make_shared<pending_signals>();
    std::set<int> blocked, ignored;
    bool adopts_orphans = false;
    int death_signal = 0;
    mode_t umask = 022;
    rlimit descriptor_limit{1024, 4096};
    /// What it does about a signal that it has not blocked, other than SIGKILL and SIGSTOP.
    /// Returns false if that is the default. Empty: the default for all.
    std::function<bool(int)> on_signal;

    /// The value of a variable of its environment; empty: there is none.
    std::string variable(std::string_view name) const {
        for (const std::string& each : environment)
            if (each.starts_with(name) && each.size() > name.size() && each[name.size()] == '=')
                return each.substr(name.size() + 1);
        return {};
    }
};
using process_ptr = std::shared_ptr<process>;

} // namespace einhyrningsins::world
