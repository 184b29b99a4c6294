// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/pinned_program.hpp"

#include "os/low_numbers.hpp"
#include "os/spawn.hpp"

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

namespace einhyrningsins::os {
namespace {

/// A path to the open file, usable also by a child that has not inherited the descriptor.
std::string path_of(int fd) {
    return "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(fd);
}

bool leads_to(const std::string& path, const struct stat& facts) {
    struct stat found {};
    return ::stat(path.c_str(), &found) == 0 && found.st_dev == facts.st_dev &&
           found.st_ino == facts.st_ino && found.st_size == facts.st_size &&
           found.st_mtim.tv_sec == facts.st_mtim.tv_sec &&
           found.st_mtim.tv_nsec == facts.st_mtim.tv_nsec;
}

/// Whether children may follow links in /proc/PID/fd of this process, see access modes in
/// ptrace(2).
bool is_open_to_children() { return ::geteuid() == 0 || ::prctl(PR_GET_DUMPABLE) == 1; }

/// Whether the kernel executes the file without an interpreter that would open it by its path. A
/// file that is executable but not readable is not a script.
bool is_binary(const std::string& path) {
    unique_fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (!fd) return errno == EACCES; // otherwise it is not known: by its path both can be executed
    char start[4]{};
    return (::read(fd.get(), start, sizeof start) == 4 &&
            std::string_view(start, sizeof start) == "\177ELF");
}

} // namespace

result<pinned_program> pinned_program::find(const std::string& name, std::string_view search_path,
                                            const std::string& directory) {
    auto path = find_program(name, search_path, directory);
    if (!path) return path.error();
    unique_fd file(::open(path->c_str(), O_PATH | O_CLOEXEC));
    struct stat facts {};
    if (!file || ::fstat(file.get(), &facts) != 0) return last_error(*path);
    leave_low_numbers(file);
    return pinned_program(std::move(*path), std::move(file), facts);
}

pinned_program::pinned_program(std::string path, unique_fd file, const struct stat& facts)
    : path_(std::move(path)),
      file_(std::move(file)),
      facts_(facts),
      by_path_(!is_open_to_children() || !leads_to(path_of(file_.get()), facts_) ||
               !is_binary(path_of(file_.get()))) {}

result<std::string> pinned_program::to_execute() const {
    using answer = result<std::string>;
    if (!by_path_) return answer(boost::system::in_place_value, path_of(file_.get()));
    if (leads_to(path_, facts_)) return answer(boost::system::in_place_value, path_);
    if (::access(path_.c_str(), F_OK) != 0) return last_error(path_);
    return os_error{path_ + " is not the file that was tried; try again"};
}

} // namespace einhyrningsins::os
