// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "os/os_error.hpp"
#include "os/unique_fd.hpp"

#include <cstddef>
#include <span>
#include <string_view>

namespace einhyrningsins::os {

/// Accepts the next connection of `listener`, non-blocking and with close-on-exec. If there is
/// none, the error is one of would_block().
result<unique_fd> accept_client(int listener);

/// Reads what has arrived, without blocking. 0: the other end has shut down its writing side.
result<std::size_t> receive(int socket, std::span<char> into);

/// Sends as much of `bytes` as possible, without blocking and without SIGPIPE. Returns the number
/// of bytes.
result<std::size_t> send(int socket, std::string_view bytes);

/// Whether a call failed only because it would have had to block.
bool would_block(const os_error& error);

} // namespace einhyrningsins::os
