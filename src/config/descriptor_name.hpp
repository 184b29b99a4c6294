// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>

namespace einhyrningsins::config {

/// Whether `name` can be an entry of LISTEN_FDNAMES: 1 to 255 printable ASCII characters without
/// ':', see FileDescriptorName= in systemd.socket(5), and without spaces, since SPECs are words.
bool is_descriptor_name(std::string_view name);

/// Turns `name` into such an entry: '_' replaces invalid characters. Never empty.
std::string to_descriptor_name(std::string_view name);

} // namespace einhyrningsins::config
