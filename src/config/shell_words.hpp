// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "config/bind_spec.hpp"

#include <boost/system/result.hpp>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace einhyrningsins::config {

/// Returns the value of a variable; nothing: it is not set.
using variable_lookup = std::function<std::optional<std::string>(std::string_view name)>;

/// Splits a command into words as a shell does: at blanks, with '...', "..." and backslashes. With
/// `variables`, $NAME and ${NAME} outside '...' are replaced by values, which are not split again,
/// and $$ is a dollar sign; without, a dollar sign has no special meaning. An error names the
/// missing delimiter or the variable that is not set.
boost::system::result<std::vector<std::string>, text_error>
split_shell_words(std::string_view text, const variable_lookup& variables = {});

/// Whether `text` can be the name of a variable: letters, digits and '_', not starting with a
/// digit.
bool is_variable_name(std::string_view text);

} // namespace einhyrningsins::config
