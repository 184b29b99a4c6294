// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace einhyrningsins::core {

/// " (did you mean 'X'?)" with the candidate from which `word` was most likely made by typing
/// errors: the first one with the fewest characters inserted, left out or replaced, at most a third
/// of them, or one. Case is ignored. Empty if there is none, and for words that are empty or longer
/// than 64 bytes. To be appended to a message; `word` is not repeated in it.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);

} // namespace einhyrningsins::core
