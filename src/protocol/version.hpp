// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

namespace einhyrningsins::protocol {

/// The version of this program, of master and client.
inline constexpr const char* version = "1.0.0";

} // namespace einhyrningsins::protocol
