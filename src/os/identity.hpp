// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "model/identity.hpp"
#include "os/os_error.hpp"

#include <optional>
#include <string>

namespace einhyrningsins::os {

using model::identity;

/// The identity given by `user` and `group`, each by name or number, or empty. An empty group is
/// the primary group of the user; an empty user is that of this process. The supplementary groups
/// are those of the user in group(5), or none for a number that is not in passwd(5). Nothing: both
/// are empty, or this process is not root and has that identity already. Fails for an unknown name,
/// and if this process has no right to change its identity. Blocks on the user database.
result<std::optional<identity>> find_identity(const std::string& user, const std::string& group);

/// Whether programs executed by this process would inherit capabilities: it is not root, but has
/// inheritable or ambient ones, see capabilities(7).
bool inherits_capabilities();

} // namespace einhyrningsins::os
