// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "config/grammar.hpp"
#include "config/personality.hpp"

#include <optional>
#include <string>
#include <vector>

namespace einhyrningsins::config {

/// The words by which a master tries, or executes, the program that replaces it (SPEC 7.5).
struct reload_words {
    bool check = false; ///< --upgrade-check: a trial run, which only checks the state
    std::optional<std::string> state_fd; ///< the value of --with-state-fd
    /// The words that follow: those of the first master. Without the words above, all words.
    std::vector<std::string> rest;
};

/// Finds these words anywhere among the options, because --reexec-as or a wrapper may put options
/// of its own before them. Those have no effect: all settings are in the state. Other words are not
/// checked, since the calling master may know more options than this one. The program of the
/// workers, which begins after "--" or with the first word that is not an option, is not examined.
reload_words find_reload_words(personality name, const std::vector<std::string>& words);

} // namespace einhyrningsins::config
