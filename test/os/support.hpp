// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <functional>
#include <string>

#include <sys/types.h>

namespace os_test {

/// A directory of its own for one test, removed with all that is in it.
class scratch {
  public:
    scratch();
    ~scratch();
    scratch(const scratch&) = delete;
    scratch& operator=(const scratch&) = delete;

    const std::string& path() const { return path_; }
    std::string operator/(const std::string& name) const { return path_ + "/" + name; }

  private:
    std::string path_;
};

/// Runs `work` in a forked process, for tests that change what belongs to the whole process, or
/// that could wait for ever. Returns its exit code, or -1 if a signal ended it (SIGALRM after 20
/// s).
int in_child(const std::function<int()>& work);

/// The number of the first of `checks` that does not hold, from 1; 0 if all do. For in_child, where
/// the macros of Boost.Test cannot be used.
int first_failure(std::initializer_list<bool> checks);

/// Waits for a child and returns its exit code, or -1 if a signal ended it.
int exit_code_of(pid_t pid);

bool exists(const std::string& path);
std::string contents(const std::string& path);
void write_file(const std::string& path, const std::string& text, mode_t mode = 0644);
/// What a descriptor of this process leads to, as /proc shows it.
std::string target_of(int fd);
/// Whether a read would not wait.
bool is_readable(int fd);
bool is_root();

/// The program test/os/helpers/report.cpp.
std::string report_program();

} // namespace os_test
