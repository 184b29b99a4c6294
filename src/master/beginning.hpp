// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <functional>

namespace einhyrningsins::master {

/// How a master begins, which decides what a failure means.
enum class beginning {
    cold,      ///< no worker runs yet: a failure is a start_failure and ends the program
    after_exec ///< workers run: a failure is logged, and the master goes on without
};

/// Runs `deed`, without which there can be no master. If it throws after an exec, this is reported
/// once on standard error, and `deed` is run again, at intervals, until it returns. At a cold start
/// the exception is passed on.
void insist(beginning kind, const std::function<void()>& deed);

} // namespace einhyrningsins::master
