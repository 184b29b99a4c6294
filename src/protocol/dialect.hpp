// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

namespace einhyrningsins::protocol {

/// How a request was written and its replies are to be (SPEC section 8).
enum class dialect {
    json,    ///< our own: an object a line; a reply is a string, or an object for a request with id
    einhorn, ///< a YAML hash a line, percent-encoded; a reply is always an object with `message`
    firestarter ///< JSON with `command_type`, or with a `command` for one group; see
                ///< firestarter.hpp
};

constexpr dialect dialect_for(bool einhorn, bool firestarter = false) {
    return einhorn ? dialect::einhorn : firestarter ? dialect::firestarter : dialect::json;
}

} // namespace einhyrningsins::protocol
