// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/birth.hpp"

#include "os/pipe.hpp"
#include "os/program.hpp"

#include <span>

namespace einhyrningsins::os {
namespace {

const char* to_string(birth_stage stage) {
    switch (stage) {
    case birth_stage::descriptors: return "descriptors";
    case birth_stage::process_group: return "process group";
    case birth_stage::niceness: return "nice";
    case birth_stage::directory: return "working directory";
    case birth_stage::memory: return "memory protection";
    case birth_stage::supplementary_groups: return "supplementary groups";
    case birth_stage::group: return "group";
    case birth_stage::user: return "user";
    case birth_stage::capabilities: return "capabilities";
    case birth_stage::death_signal: return "death signal";
    case birth_stage::exec: break;
    }
    return "exec";
}

} // namespace

os_error explain(const birth_failure& failure, const std::string& program,
                 const working_directory& directory) {
    if (failure.stage != birth_stage::exec) return {to_string(failure.stage), failure.number};
    std::string what = "exec " + program;
    // If the program exists and yet is not found, it is a script whose interpreter does not exist.
    bool there = directory && may_execute(directory->get(), program.c_str());
    if (failure.number == ENOENT && there) what += ": its interpreter";
    return {what, failure.number};
}

std::optional<result<void>> birth::outcome() {
    if (outcome_ || !report_) return outcome_.value_or(result<void>());
    birth_failure failure;
    ssize_t size = read_some(report_.get(), {reinterpret_cast<char*>(&failure), sizeof failure});
    if (size == -EAGAIN) return std::nullopt;
    outcome_ = result<void>();
    if (size == sizeof failure) outcome_ = explain(failure, program_, directory_);
    return outcome_;
}

} // namespace einhyrningsins::os
