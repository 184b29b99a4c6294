// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "os/os_error.hpp"
#include "os/unique_fd.hpp"

#include <cstddef>
#include <vector>

/// Low descriptor numbers are kept free for those that a new process needs. The kernel copies the
/// descriptor table only up to the highest one of these, so starting a process takes no longer when
/// hundreds of groups have open listeners.
namespace einhyrningsins::os {

/// How many more descriptors this process may have open, at most: of the low numbers and of the
/// others, each, all from the lowest free one on are taken for free.
std::size_t free_descriptors();

/// Moves a long-lived descriptor to a high number, or keeps its number if that is impossible.
void leave_low_numbers(unique_fd& fd);

/// The descriptors that a new process needs, at low numbers during the lifetime of this object.
class low_copies {
  public:
    /// All numbers will be `lowest` or higher.
    explicit low_copies(int lowest) : lowest_(lowest) {}

    /// Returns `fd` if its number is suitable, otherwise that of a duplicate owned by this object.
    /// -1 stays -1.
    result<int> of(int fd);
    /// The highest number returned by of(), at least 2.
    int highest() const { return highest_; }

  private:
    int lowest_;
    int highest_ = 2;
    std::vector<unique_fd> copies_;
};

} // namespace einhyrningsins::os
