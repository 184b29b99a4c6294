// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "os/os_error.hpp"
#include "os/unique_fd.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

/// What it takes to go on as another program in the same process.
namespace einhyrningsins::os {

/// The program that this process runs.
struct own_program {
    std::string path; ///< absolute, as it was called: links in it may lead elsewhere by now
    std::string name; ///< argv[0]
    /// Whether `path` leads to another file than the one that is running, or to a rewritten one.
    bool has_changed() const;

    dev_t device = 0;
    ino_t inode = 0;
    std::int64_t changed_at = 0; ///< ns, the time of the last modification
};

/// Finds it by `name`, the process' argv[0], as the shell has done: by a slash in it relative to
/// `directory`, else in `search_path`, the value of PATH. Where that leads to no program, it is
/// what the kernel says that was executed.
own_program find_own_program(const std::string& name, std::string_view search_path,
                             const std::string& directory);

/// A file in memory with `text` in it, to be read from its beginning.
result<unique_fd> make_memory_file(std::string_view text);

/// What is left to read in a file or a pipe, up to its end or to `most` bytes; more is an error.
result<std::string> read_to_end(int fd, std::size_t most);

/// Executes another program in place of this one: returns only if that failed. Of the descriptors
/// above 2 it gets just `kept`. The working directory becomes `directory`, if there is one of that
/// name. Signals stay blocked, and those that arrive meanwhile are pending.
os_error replace_program(const std::string& program, const std::vector<std::string>& arguments,
                         const std::vector<std::string>& environment, const std::string& directory,
                         const std::vector<int>& kept);

/// Executes the program called `name` beside the file of this one, with this one's arguments, its
/// argv[0] included: returns only if that failed.
os_error become_sibling(const std::string& name, char** argv);

/// For the program that was executed: all descriptors above 2 but `kept` are closed, and these will
/// be closed by the next exec. Returns those of `kept` that are not open.
std::vector<int> take_over_descriptors(std::vector<int> kept);

/// Whether `pid` is a child of this process, ended or not, whose end has not been reaped.
bool is_own_child(pid_t pid);

} // namespace einhyrningsins::os
