// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

namespace einhyrningsins::os {

/// Closes the descriptors from `first` to `last`, inclusive: by close_range(2), or one by one where
/// that is refused (it exists since Linux 5.9, and older seccomp profiles deny it). Does not
/// allocate memory, so that a child can use it before its exec.
void close_descriptors(unsigned first, unsigned last);

/// Replaces a descriptor table shared with another process by a copy of the descriptors up to
/// `highest`. Returns whether that succeeded; otherwise errno is set.
bool unshare_descriptors(unsigned highest);

} // namespace einhyrningsins::os
