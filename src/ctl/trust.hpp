// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <optional>
#include <string>

namespace einhyrningsins::ctl {

/// Why the process at the other end of `socket`, which is connected to `path`, must not be taken
/// for a master, in one line; nothing: it may.
///
/// Processes of root and of our own user are trusted anywhere. One of another user is trusted if
/// the path proves that this user was meant: if nobody but that user, root and we can have put a
/// socket there (see os/directory_trust.hpp, and SO_PEERCRED in unix(7)). In a directory like /tmp
/// everybody can.
std::optional<std::string> why_not_trusted(int socket, const std::string& path);

} // namespace einhyrningsins::ctl
