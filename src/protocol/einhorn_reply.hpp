// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "protocol/reply.hpp"

#include <optional>
#include <string_view>

namespace einhyrningsins::protocol {

/// Reads a line of any master: like parse_reply(), and else as einhorn itself writes it, a YAML
/// hash in percent-encoding.
std::optional<reply> parse_einhorn_reply(std::string_view line);

} // namespace einhyrningsins::protocol
