// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "protocol/reply.hpp"

#include <optional>
#include <string_view>

namespace einhyrningsins::protocol {

/// Reads a line of any master, without its newline: like parse_reply(), or else as einhorn itself
/// writes it, a YAML hash in percent-encoding. An answer whose message begins with einhorn::failure
/// is not `ok`. Nothing: it is no reply.
std::optional<reply> parse_einhorn_reply(std::string_view line);

} // namespace einhyrningsins::protocol
