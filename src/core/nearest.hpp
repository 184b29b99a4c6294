// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace einhyrningsins::core {

/// " (did you mean 'X'?)" with the candidate that a typing error most likely made `word` from;
/// empty if none is near.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);

} // namespace einhyrningsins::core
