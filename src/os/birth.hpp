// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "os/os_error.hpp"
#include "os/unique_fd.hpp"
#include "os/working_directory.hpp"

#include <cstdint>
#include <optional>
#include <string>

#include <sys/types.h>

namespace einhyrningsins::os {

/// The stages of a child between clone(2) and its program, in this order.
enum class birth_stage : std::uint32_t {
    descriptors,
    process_group,
    niceness,
    directory,
    memory, ///< protection from other users
    supplementary_groups,
    group,
    user,
    capabilities,
    death_signal,
    exec
};

/// Why a child did not execute its program: the stage and errno.
struct birth_failure {
    birth_stage stage{};
    std::int32_t number = 0;
};

/// The error message about a child that was to execute `program` in `directory`.
os_error explain(const birth_failure& failure, const std::string& program,
                 const working_directory& directory);

/// A child that may not have executed its program yet. The master never blocks on one that becomes
/// another user, since that user's processes may stop it at any time before its exec.
class birth {
  public:
    /// A child that has executed its program.
    explicit birth(pid_t pid) : pid_(pid) {}
    /// A child that writes a birth_failure to the pipe whose read end is `report`, or closes it by
    /// its exec. `program` and `directory` are for the error message.
    birth(pid_t pid, unique_fd report, std::string program, working_directory directory)
        : pid_(pid),
          report_(std::move(report)),
          program_(std::move(program)),
          directory_(std::move(directory)) {}

    pid_t pid() const { return pid_; }
    /// Becomes readable when the outcome is known; -1: it has been known from the beginning.
    int report() const { return report_.get(); }

    /// Whether the program was executed, or why not; nothing: not known yet. Never blocks. A child
    /// that was killed before its exec counts as executed: its exit status tells the rest. A child
    /// that has failed exits by itself and must be reaped.
    std::optional<result<void>> outcome();

  private:
    pid_t pid_;
    unique_fd report_;
    std::string program_;
    working_directory directory_;
    std::optional<result<void>> outcome_;
};

} // namespace einhyrningsins::os
