// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "world/kernel/kernel.hpp"

#include <string>
#include <vector>

/// The program that is tested: main() of src/master/main.cpp.
int einhyrningsins_main(int argc, char** argv);

namespace einhyrningsins::world {

/// The memory of the tested program. An exec or a `kill -9` abandons its stack and its heap, as the
/// real ones do, without a destructor; what is left is never freed, so histories run in processes
/// that end. An exec begins with all variables of static duration as they were before the first
/// line ran: those of this whole executable are restored, so what is to outlive it (the simulation)
/// must be on the heap or in thread-local storage.
class image {
  public:
    /// Runs the program of a process from its main() on, through every exec, until it ends or
    /// leave() is called.
    static void run(kernel& system, const process_ptr& in);

    /// execve(2) of the current process. Returns only if it fails, with a negative errno.
    static int replace(kernel& system, const std::string& path, std::vector<std::string> arguments,
                       std::vector<std::string> environment);

    /// Ends run(): the current process does not go on.
    [[noreturn]] static void leave();

    /// Runs a program in a process beside the current one, which does not go on meanwhile, and
    /// returns its exit code. Nothing else happens meanwhile.
    static int run_beside(kernel& system, const process_ptr& in);

    /// How many programs there have been in the current process: one that was replaced has no
    /// threads any more.
    static unsigned number();
};

} // namespace einhyrningsins::world
