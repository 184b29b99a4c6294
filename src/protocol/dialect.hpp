// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

namespace einhyrningsins::protocol {

/// How a request was written and its replies are to be (SPEC section 8).
enum class dialect {
    json,   ///< our own: an object a line; a reply is a string, or an object for a request with id
    einhorn ///< a YAML hash a line, percent-encoded; a reply is always an object with `message`
};

constexpr dialect dialect_for(bool einhorn) { return einhorn ? dialect::einhorn : dialect::json; }

} // namespace einhyrningsins::protocol
