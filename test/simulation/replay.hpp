// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "simulation/history.hpp"

#include <optional>
#include <string>

namespace einhyrningsins::simulation {

/// The violation that a history causes; nothing: none.
struct outcome {
    std::string name;
    std::string detail;
};
std::optional<outcome> replay(const history& what);

/// The same history without the steps that are not needed to break the invariant `name`.
history shorten(history what, const std::string& name);

/// For the log of a failed test: the invariant, the shortened history, and its trace.
std::string explain(const history& what, const outcome& how);

} // namespace einhyrningsins::simulation
