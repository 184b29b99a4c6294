// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "os/os_error.hpp"

#include <cstdint>
#include <string>
#include <vector>

#include <sys/resource.h>
#include <sys/types.h>

namespace einhyrningsins::os {

/// The environment that this process was started with, as "NAME=value". Remembers where argv and
/// environment lie, for set_process_title, so call it once and before anything changes them.
std::vector<std::string> take_environment(int argc, char** argv);

/// Opens /dev/null where standard input, output or error is closed, so that no socket of ours gets
/// one of their numbers and is written to as a log, or handed to a worker as its output.
void open_standard_descriptors();

/// For a process that leaves its environment where it is: a title may take the place of the
/// arguments.
void reserve_title(int argc, char** argv);

/// What ps(1) shows as the command line. As much of it as fits where the arguments and the
/// environment were.
void set_process_title(const std::string& title);

/// setpriority(2) for this process.
result<void> set_niceness(int value);

/// Raises the soft limit of open descriptors to the hard one: 1000 clients need more than the usual
/// 1024.
void raise_descriptor_limit();

/// How many descriptors this process may have open.
std::size_t descriptor_limit();

/// The limit as it was, for those who are to be spared the raise; nullptr if it was not raised.
const rlimit* original_descriptor_limit();

/// The same when another program in this process has raised it: `soft` is what it was.
void set_original_descriptor_limit(std::uint64_t soft);

/// Makes the allocator give large blocks back to the system as soon as they are free.
void return_large_blocks();

/// Gives all memory that is free back to the system: for after something that took much of it.
void return_free_memory();

/// Gives back the pages of this program's code: what was for the start alone is not mapped again.
void forget_startup_code();

/// The resident memory of a process; 0 if there is none of that pid.
std::uint64_t memory_bytes(pid_t pid);

/// The working directory as the user wrote it: PWD with its symbolic links, if it is true, else
/// getcwd(3).
std::string logical_working_directory(const char* pwd);

/// `path` itself, or below `directory` if it is relative.
std::string absolute_path(const std::string& path, const std::string& directory);

/// The texts as execve(2) takes them, with a null at the end; valid for as long as `texts` is.
std::vector<char*> pointers(const std::vector<std::string>& texts);

/// The CPUs that this process may run on.
unsigned available_cpus();

} // namespace einhyrningsins::os
