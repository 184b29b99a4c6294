// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "model/recipe.hpp"
#include "os/birth.hpp"
#include "os/identity.hpp"
#include "os/os_error.hpp"
#include "os/program.hpp"
#include "os/unique_fd.hpp"
#include "os/working_directory.hpp"

#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace einhyrningsins::os {

/// Standard output and error of one worker: borrowed descriptors; -1: those of this process.
struct output_descriptors {
    int out = -1;
    int err = -1;
};

/// A recipe and its working directory, which is kept open.
struct spawn_recipe : model::recipe {
    os::working_directory directory;
};

struct child;

/// Starts workers. All allocations are made when the plan is made. A start takes a vfork-like
/// clone(2), a dozen system calls and an exec, regardless of the size of the master. A worker with
/// another identity never shares memory with the master: it gets a copy, and the master does not
/// wait for its exec. It shares no session with the master either, and a terminal that is its
/// standard output or error can only be written to.
class spawn_plan {
  public:
    /// `recipe.arguments` must not be empty.
    static spawn_plan make(spawn_recipe recipe);

    /// Starts one worker. `extra_fd`, unless -1, becomes the descriptor after the last listener.
    /// The error names the step that failed: "fork", "working directory", "exec PROGRAM", ... If
    /// the recipe has an identity, most steps are still to come, see birth.
    result<birth> spawn(unsigned index, int extra_fd, output_descriptors output = {}) const;

    /// What the plan was made from, without the environment.
    const spawn_recipe& recipe() const { return recipe_; }
    /// Variables that differ between workers have the values of one of them.
    std::vector<std::string> environment() const;

  private:
    spawn_plan() = default;
    void pack_environment();
    /// In the form that execve(2) expects; valid until the next start.
    struct texts {
        char* const* arguments;
        char* const* shell_arguments; ///< for a script without "#!", as execvp(3) runs it
        char* const* environment;
    };
    texts lay_out_texts() const;
    void fill_in(unsigned index) const;
    int lowest_source() const;
    child lay_out(unsigned index) const;
    result<birth> start_sharing(child& made) const;
    result<birth> start_apart(child& made, unique_fd report) const;

    spawn_recipe recipe_;
    /// All entries in one block, each with its NUL, since there may be many plans. The slots are
    /// the offsets of the values that differ between workers.
    mutable std::vector<char> environment_;
    std::size_t pid_slot_ = 0; ///< 0: there is none
    std::size_t index_slot_ = 0;
    std::size_t indexed_slot_ = 0; ///< after recipe_.indexed_entry
};

} // namespace einhyrningsins::os
