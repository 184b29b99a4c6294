// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace einhyrningsins::core {

/// Why no unix socket can be bound at that path, or abstract name, whatever there is in the file
/// system (see unix(7)); nothing: one can.
std::optional<std::string> complain_of_socket_path(std::string_view path);

} // namespace einhyrningsins::core
