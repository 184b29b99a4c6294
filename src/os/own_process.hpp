// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "os/os_error.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include <sys/resource.h>

namespace einhyrningsins::os {

/// The environment that this process was started with, as "NAME=value". Also remembers the location
/// of argv and the environment for set_process_title(), so it must be called once, before anything
/// changes them.
std::vector<std::string> take_environment(int argc, char** argv);

/// Opens /dev/null in place of standard input, output or error if it is closed. Otherwise a socket
/// could get its number, and be written to as a log or passed to a worker as its output.
void open_standard_descriptors();

/// Prepares set_process_title() for a process that keeps using its environment: a title may only
/// overwrite the arguments.
void reserve_title(int argc, char** argv);

/// A random number. It is predictable only if the system has no randomness. Never fails.
unsigned random_seed();

/// Suspends the process; a signal handler does not cut it short.
void sleep(std::chrono::milliseconds time);

/// While this is wanted, `new` does not throw std::bad_alloc: it tries again, at intervals, until
/// there is memory.
void wait_for_memory(bool wanted);

/// Sets what ps(1) shows as the command line, truncated to the space that the arguments and the
/// environment took.
void set_process_title(const std::string& title);

/// Sets what ps(1) shows as the command to the last part of `path`, as if that had been executed.
void set_command_name(const std::string& path);

/// setpriority(2) for this process.
result<void> set_niceness(int value);

/// Raises the soft limit of open descriptors to the hard limit: 1000 clients need more than the
/// usual 1024.
void raise_descriptor_limit();

/// The number of descriptors that this process may have open.
std::size_t descriptor_limit();

/// The limit as it was before it was raised, for child processes; null: it was not raised.
const rlimit* original_descriptor_limit();

/// Sets it when another program in this process has raised the limit: `soft` is the former limit.
void set_original_descriptor_limit(std::uint64_t soft);

/// Makes the allocator give large blocks back to the system as soon as they are free, and use one
/// heap for all threads: another one would take 64 MiB of address space for a thread that writes.
void set_up_allocator();

/// Gives back the pages of this program's code: what was for the start alone is not mapped again.
void forget_startup_code();

/// Makes this process the parent of all its descendants whose own parents end, see
/// PR_SET_CHILD_SUBREAPER in prctl(2). This survives an exec.
result<void> adopt_orphans();

/// The working directory as the user wrote it: PWD, which may contain symbolic links, if it names
/// that directory, otherwise the result of getcwd(3).
std::string logical_working_directory(const char* pwd);

/// `path`, which is taken relative to `directory` unless it is absolute.
std::string absolute_path(const std::string& path, const std::string& directory);

/// The texts in the form that execve(2) expects, with a null pointer at the end; valid as long as
/// `texts`.
std::vector<char*> pointers(const std::vector<std::string>& texts);

/// The CPUs that this process may run on.
unsigned available_cpus();

} // namespace einhyrningsins::os
