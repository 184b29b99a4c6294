// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "os/os_error.hpp"
#include "os/unique_fd.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

/// Replacing the program of this process.
namespace einhyrningsins::os {

/// The program that this process runs.
struct own_program {
    std::string path; ///< absolute, as it was called; links in it may have changed since
    std::string name; ///< argv[0]
    /// Whether `path` leads to a file other than the running one, or that file was modified.
    bool has_changed() const;

    dev_t device = 0;
    ino_t inode = 0;
    std::int64_t changed_at = 0; ///< time of the last modification in ns
    bool is_known = false;       ///< the other members are known
};

/// Finds the running program by `name`, its argv[0], as the shell did: relative to `directory` if
/// it contains a slash, otherwise in `search_path`, the value of PATH. If that leads to no program,
/// `path` is the file that the kernel has executed; if the system cannot tell, it is empty.
own_program find_own_program(const std::string& name, std::string_view search_path,
                             const std::string& directory);

/// Creates a memory file, or an unnamed temporary file where that is denied, that contains `text`
/// and is positioned at its beginning.
result<unique_fd> make_memory_file(std::string_view text);

/// Reads a file or a pipe to its end; more than `most` bytes are an error. Waits for a writer
/// without a time limit, even if the descriptor is non-blocking.
result<std::string> read_to_end(int fd, std::size_t most);

/// Whether a file has been read to its end, by this process or one that shares the open file.
bool is_read_to_end(int fd);

/// Executes another program in place of this one; returns only on failure. It inherits only `kept`
/// of the descriptors above 2. Changes to the working directory `directory` if that exists. What
/// block_all_signals() has done remains, and no signal is lost.
os_error replace_program(const std::string& program, const std::vector<std::string>& arguments,
                         const std::vector<std::string>& environment, const std::string& directory,
                         const std::vector<int>& kept);

/// Executes the program `name` in the directory of this program's file, with the same arguments
/// including argv[0]; returns only on failure.
os_error become_sibling(const std::string& name, char** argv);

/// To be called by the executed program: closes all descriptors above 2 except `kept`, and sets
/// close-on-exec for these. Returns those of `kept` that are not open.
std::vector<int> take_over_descriptors(std::vector<int> kept);

} // namespace einhyrningsins::os
