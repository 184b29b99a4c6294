// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "os/os_error.hpp"
#include "os/unique_fd.hpp"

#include <memory>
#include <string>

namespace einhyrningsins::os {

/// An open working directory. A symbolic link in its path may have changed since it was opened.
/// Users of the same directory share the descriptor. Null: none.
using working_directory = std::shared_ptr<const unique_fd>;

/// Opens the directory that `path` leads to now, following symbolic links.
result<working_directory> open_directory(const std::string& path);

/// Takes ownership of a descriptor of another master, or shares it if that was done before. Null
/// for -1.
working_directory adopt_directory(int fd);

} // namespace einhyrningsins::os
