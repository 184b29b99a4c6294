// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>

namespace einhyrningsins::config {

/// Whether LISTEN_FDNAMES can carry `name`: 1 to 255 printable ASCII characters, no ':', see
/// FileDescriptorName= in systemd.socket(5); and no space, since a name is a word here.
bool is_descriptor_name(std::string_view name);

/// `name` with '_' for whatever LISTEN_FDNAMES cannot carry, never empty.
std::string to_descriptor_name(std::string_view name);

} // namespace einhyrningsins::config
