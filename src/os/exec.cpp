// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/exec.hpp"

#include "os/descriptors.hpp"
#include "os/files.hpp"
#include "os/own_process.hpp"
#include "os/program.hpp"
#include "os/working_directory.hpp"

#include <algorithm>
#include <climits>

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace einhyrningsins::os {
namespace {

constexpr int first_descriptor = 3;

std::int64_t modified_at(const struct stat& facts) {
    return facts.st_mtim.tv_sec * 1'000'000'000LL + facts.st_mtim.tv_nsec;
}

std::string executed_path() {
    char path[PATH_MAX];
    ssize_t size = ::readlink("/proc/self/exe", path, sizeof path);
    return {path, size > 0 ? static_cast<std::size_t>(size) : 0};
}

/// For a non-blocking descriptor. Returns whether waiting is possible.
bool wait_readable(int fd) {
    pollfd waits{.fd = fd, .events = POLLIN, .revents = 0};
    return ::poll(&waits, 1, -1) >= 0 || errno == EINTR;
}

void set_close_on_exec(const std::vector<int>& fds, bool wanted) {
    for (int fd : fds)
        ::fcntl(fd, F_SETFD, wanted ? FD_CLOEXEC : 0);
}

/// Used where a seccomp profile denies memory files. No other process can open it by name.
unique_fd make_nameless_file() {
    std::string path = temporary_directory();
    unique_fd fd(::open(path.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    if (fd) return fd;
    path += "/einhyrningsins.XXXXXX";
    fd.reset(::mkostemp(path.data(), O_CLOEXEC));
    if (fd) ::unlink(path.c_str());
    return fd;
}

} // namespace

own_program find_own_program(const std::string& name, std::string_view search_path,
                             const std::string& directory) {
    own_program own{.path = executed_path(), .name = name};
    auto found = find_program(name, search_path, directory);
    if (found) own.path = absolute_path(*found, directory);
    struct stat running {};
    if (::stat("/proc/self/exe", &running) == 0) {
        own.is_known = found.has_value();
        own.device = running.st_dev;
        own.inode = running.st_ino;
        own.changed_at = modified_at(running);
    }
    return own;
}

bool own_program::has_changed() const {
    struct stat there {};
    if (::stat(path.c_str(), &there) != 0) return false; // there is no program to replace it
    return there.st_dev != device || there.st_ino != inode || modified_at(there) != changed_at;
}

result<unique_fd> make_memory_file(std::string_view text) {
    unique_fd fd(::memfd_create("einhyrningsins", MFD_CLOEXEC));
    if (!fd) fd = make_nameless_file();
    if (!fd) return last_error("memory file, or one in " + temporary_directory());
    while (!text.empty()) {
        ssize_t written = ::write(fd.get(), text.data(), text.size());
        if (written < 0) return last_error("memory file: write");
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    if (::lseek(fd.get(), 0, SEEK_SET) != 0) return last_error("memory file: seek");
    return fd;
}

result<std::string> read_to_end(int fd, std::size_t most) {
    std::string text;
    std::vector<char> piece(64 * 1024);
    int attempts = 100; // while the machine is out of memory
    for (;;) {
        ssize_t size = ::read(fd, piece.data(), piece.size());
        if (size < 0 && errno == EINTR) continue;
        if (size < 0 && errno == EAGAIN && wait_readable(fd)) continue;
        if (size < 0 && is_scarcity(errno) && attempts-- > 0) {
            sleep(std::chrono::milliseconds(10));
            continue;
        }
        if (size < 0) return last_error("read");
        if (size == 0) return {boost::system::in_place_value, std::move(text)};
        text.append(piece.data(), static_cast<std::size_t>(size));
        if (text.size() > most) return os_error{"more than " + std::to_string(most) + " bytes"};
    }
}

bool is_read_to_end(int fd) {
    struct stat facts {};
    return ::fstat(fd, &facts) == 0 && ::lseek(fd, 0, SEEK_CUR) == facts.st_size;
}

os_error replace_program(const std::string& program, const std::vector<std::string>& arguments,
                         const std::vector<std::string>& environment, const std::string& directory,
                         const std::vector<int>& kept) {
    unique_fd before(::open(".", O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (auto there = open_directory(directory)) (void)!::fchdir((*there)->get());
    set_close_on_exec(kept, false);
    ::execve(program.c_str(), pointers(arguments).data(), pointers(environment).data());
    os_error why = last_error("exec " + program);
    set_close_on_exec(kept, true);
    if (before) (void)!::fchdir(before.get());
    return why;
}

os_error become_sibling(const std::string& name, char** argv) {
    char own[4096];
    ssize_t size = ::readlink("/proc/self/exe", own, sizeof own);
    if (size < 0 || size == sizeof own) return last_error("/proc/self/exe");
    std::string path(own, static_cast<std::size_t>(size));
    path = path.substr(0, path.rfind('/') + 1) + name;
    ::execv(path.c_str(), argv);
    return last_error("exec " + path);
}

std::vector<int> take_over_descriptors(std::vector<int> kept) {
    std::ranges::sort(kept);
    unsigned next = first_descriptor;
    for (int fd : kept) {
        auto number = static_cast<unsigned>(fd);
        if (number > next) close_descriptors(next, number - 1);
        next = number + 1;
    }
    close_descriptors(next, ~0U);
    std::vector<int> missing;
    for (int fd : kept)
        if (::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) missing.push_back(fd);
    return missing;
}

} // namespace einhyrningsins::os
