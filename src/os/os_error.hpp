// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <boost/system/result.hpp>

#include <cerrno>
#include <string>

namespace einhyrningsins::os {

/// What the system refused: the stage or the subject, and errno (0 if `what` says it all).
struct os_error {
    std::string what;
    int number = 0;

    /// "bind: Address already in use"
    std::string message() const;
};

template <class T>
using result = boost::system::result<T, os_error>;

/// The error of the call that has just failed.
inline os_error last_error(std::string what) { return {std::move(what), errno}; }

/// Whether the machine had no room for it now, so that it makes sense to try again.
bool is_scarcity(int number);

} // namespace einhyrningsins::os
