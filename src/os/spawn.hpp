// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "os/identity.hpp"
#include "os/os_error.hpp"
#include "os/unique_fd.hpp"
#include "os/working_directory.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace einhyrningsins::os {

/// Finds `name` as execvp(3) does: by the directories of `path` (the value of PATH), or, if it has
/// a slash, relative to `directory` (a descriptor). The error tells missing from not executable.
result<std::string> find_program(const std::string& name, std::string_view path, int directory);

/// The same, with the directory given by its path.
result<std::string> find_program(const std::string& name, std::string_view path,
                                 const std::string& directory);

/// Where the output of one worker goes: borrowed descriptors; -1: where ours goes.
struct output_descriptors {
    int out = -1;
    int err = -1;
};

/// What the workers of one generation are made from.
struct spawn_recipe {
    std::string program;                ///< as find_program returned it
    std::vector<std::string> arguments; ///< argv, from argv[0] on
    /// "NAME=value". The entries "LISTEN_PID=" and "EINHORN_CHILD_INDEX=" are filled in for each
    /// worker.
    std::vector<std::string> environment;
    os::working_directory directory; ///< the working directory
    std::vector<int> descriptors;    ///< become 3, 4, ... in this order; borrowed
    std::optional<int> nice;
    bool die_with_parent = false;         ///< SIGUSR2 when this process ends, see PR_SET_PDEATHSIG
    std::optional<os::identity> identity; ///< whom the worker runs as; nothing: as this process
    /// "NAME=TEXT", which is in `environment` too: there it gets the index of the worker behind it.
    /// Empty: there is none.
    std::string indexed_entry;
};

/// Starts workers. All that allocates is done when the plan is made; a start takes a vfork-like
/// clone(2), a dozen system calls and an exec, however large the master is.
class spawn_plan {
  public:
    /// `arguments` has at least argv[0].
    static spawn_plan make(spawn_recipe recipe);

    /// Starts one worker. `extra_fd`, unless -1, becomes the descriptor after the last of the
    /// recipe. The error names the stage that failed: "fork", "working directory", "exec PROGRAM",
    /// ...
    result<pid_t> spawn(unsigned index, int extra_fd, output_descriptors output = {}) const;

    /// What it was made from, but for the environment.
    const spawn_recipe& recipe() const { return recipe_; }
    /// The entries that are filled in for each worker have any value.
    std::vector<std::string> environment() const;

  private:
    spawn_plan() = default;
    void pack_environment();
    /// As execve(2) takes them; valid until the next start.
    struct texts {
        char* const* arguments;
        char* const* shell_arguments; ///< for a script without "#!", as execvp(3) runs it
        char* const* environment;
    };
    texts lay_out_texts() const;
    void fill_in(unsigned index) const;
    int lowest_source() const;
    os_error explain(const char* stage, int number) const;

    spawn_recipe recipe_;
    /// The entries one behind the other, each with its NUL: there may be many plans. The slots are
    /// where it is written to for each worker.
    mutable std::vector<char> environment_;
    std::size_t pid_slot_ = 0; ///< 0: there is none
    std::size_t index_slot_ = 0;
    std::size_t indexed_slot_ = 0; ///< behind recipe_.indexed_entry
};

} // namespace einhyrningsins::os
