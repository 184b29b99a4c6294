// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "os/os_error.hpp"
#include "os/unique_fd.hpp"

#include <vector>

/// The low numbers of descriptors are kept free for what a process needs that is being started: its
/// copy of our table ends above that, and so a start takes no longer where hundreds of groups have
/// their listeners open.
namespace einhyrningsins::os {

/// Gives a descriptor that will stay, as one of many, a number out of the way; if there is none, it
/// keeps what it has.
void leave_low_numbers(unique_fd& fd);

/// What one start needs, at low numbers for as long as this lives.
class low_copies {
  public:
    /// No number will be below `lowest`.
    explicit low_copies(int lowest) : lowest_(lowest) {}

    /// The number of the same: its own if that will do, else a copy's. -1 stays -1.
    result<int> of(int fd);
    /// Of all that of() has returned; 2 at least.
    int highest() const { return highest_; }

  private:
    int lowest_;
    int highest_ = 2;
    std::vector<unique_fd> copies_;
};

} // namespace einhyrningsins::os
