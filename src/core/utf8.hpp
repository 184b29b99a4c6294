// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string_view>

namespace einhyrningsins::core {

/// What take_character returns for a byte that begins no well-formed character.
constexpr char32_t ill_formed = 0xFFFFFFFF;

/// Takes the first character of `rest`, which must not be empty; of an ill-formed sequence only its
/// first byte. Surrogates and overlong forms are ill-formed.
char32_t take_character(std::string_view& rest);

} // namespace einhyrningsins::core
