// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "os/os_error.hpp"
#include "os/unique_fd.hpp"

#include <string>
#include <string_view>

#include <sys/stat.h>

namespace einhyrningsins::os {

/// The file of a program, kept open, so that this file is executed later even if its path has been
/// pointed elsewhere by then.
class pinned_program {
  public:
    /// Finds the program called `name`, see find_program().
    static result<pinned_program> find(const std::string& name, std::string_view search_path,
                                       const std::string& directory);

    /// The path for execve(2) in this process or in a child of the same user. A script must be
    /// executed by its own path, which its interpreter opens again; so must any program without
    /// /proc. In that case it is an error if the path leads to another file by now or the file was
    /// modified.
    result<std::string> to_execute() const;

  private:
    pinned_program(std::string path, unique_fd file, const struct stat& facts);

    std::string path_;
    unique_fd file_;
    struct stat facts_ {};
    bool by_path_ = false;
};

} // namespace einhyrningsins::os
