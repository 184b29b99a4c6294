// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <boost/system/result.hpp>

#include <cerrno>
#include <string>

namespace einhyrningsins::os {

/// An error of the system: the stage or the subject, and errno; 0: `what` is the whole message.
struct os_error {
    std::string what;
    int number = 0;

    /// The message, in one line: "bind: Address already in use".
    std::string message() const;
};

template <class T>
using result = boost::system::result<T, os_error>;

/// The error of the system call that has just failed (errno).
inline os_error last_error(std::string what) { return {std::move(what), errno}; }

/// Whether errno `number` means a temporary lack of resources, so that it makes sense to try again.
bool is_scarcity(int number);

} // namespace einhyrningsins::os
