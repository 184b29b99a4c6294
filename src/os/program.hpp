// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "os/os_error.hpp"

#include <string>
#include <string_view>

namespace einhyrningsins::os {

/// Finds `name` as execvp(3) does: in the directories of `path` (the value of PATH), or, if it
/// contains a slash, relative to `directory` (a descriptor). The error distinguishes a missing
/// program from one that is not executable.
result<std::string> find_program(const std::string& name, std::string_view path, int directory);

/// The same with the path of the directory.
result<std::string> find_program(const std::string& name, std::string_view path,
                                 const std::string& directory);

/// Whether this process may execute the file at `path`, relative to `directory` (a descriptor, or
/// AT_FDCWD); errno says why not.
bool may_execute(int directory, const char* path);

} // namespace einhyrningsins::os
