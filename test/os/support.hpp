// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <boost/test/unit_test.hpp>

#include <functional>
#include <initializer_list>
#include <string>

#include <sys/types.h>

namespace os_test {

/// A temporary directory for one test, removed with its contents.
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

/// Runs `work` in a forked process, for tests that change properties of the whole process or could
/// block forever. Returns its exit status, 125 if it throws, or -1 if it was killed by a signal
/// (SIGALRM after 20 s).
int in_child(const std::function<int()>& work);

/// The number of the first of `checks` that is false, counting from 1, or 0 if there is none. For
/// in_child, where the macros of Boost.Test cannot be used.
int first_failure(std::initializer_list<bool> checks);

/// Makes these system calls fail with this errno from now on in this process, as under a seccomp
/// profile or on a kernel that lacks them. For in_child.
void refuse(std::initializer_list<long> calls, int error);

/// Whether this process has no other threads: none that may hold a lock when it forks.
bool has_one_thread();

/// While this lives `new` throws std::bad_alloc in this thread. The macros of Boost.Test use it.
class no_memory {
  public:
    no_memory();
    ~no_memory();
    no_memory(const no_memory&) = delete;
    no_memory& operator=(const no_memory&) = delete;
};

/// Waits for a child and returns its exit status, or -1 if it was killed by a signal.
int exit_code_of(pid_t pid);

bool exists(const std::string& path);
std::string contents(const std::string& path);
void write_file(const std::string& path, const std::string& text, mode_t mode = 0644);
/// The target of a descriptor of this process, as shown in /proc.
std::string target_of(int fd);
/// A file of which this process holds the record locks (fcntl(2)), which the system takes from a
/// process when it closes any descriptor of the file: also one that others have opened and sent.
class locked_file {
  public:
    explicit locked_file(const std::string& path);
    ~locked_file();
    locked_file(const locked_file&) = delete;
    locked_file& operator=(const locked_file&) = delete;

    /// Whether no descriptor of it was closed.
    bool is_locked() const;

  private:
    std::string path_;
    int fd_;
};

/// Whether a read would not block.
bool is_readable(int fd);
bool is_root();
/// *boost::unit_test::precondition(needs_root): without root the test is reported as skipped.
boost::test_tools::assertion_result needs_root(boost::unit_test::test_unit_id test);

/// The program test/os/helpers/report.cpp.
std::string report_program();

} // namespace os_test
