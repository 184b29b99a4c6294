// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/own_process.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <new>
#include <optional>

#include <fcntl.h>
#include <malloc.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

/// Defined by the linker, see end(3).
extern "C" const char __executable_start, etext;

namespace einhyrningsins::os {
namespace {

/// The memory that holds argv and, directly after it, the environment.
char* title_begin = nullptr;
char* title_end = nullptr;

std::optional<rlimit> original_limit;

} // namespace

void reserve_title(int argc, char** argv) {
    title_begin = argv[0];
    title_end = argv[argc - 1] + std::strlen(argv[argc - 1]) + 1;
}

std::vector<std::string> take_environment(int argc, char** argv) {
    reserve_title(argc, argv);
    std::vector<std::string> all;
    for (char** one = environ; *one; ++one) {
        if (*one == title_end) title_end = *one + std::strlen(*one) + 1;
        all.emplace_back(*one);
    }
    // From now on getenv(3) reads a copy, which is never freed.
    char** copy = new char*[all.size() + 1]();
    std::ranges::transform(all, copy,
                           [](const std::string& text) { return ::strdup(text.c_str()); });
    environ = copy;
    return all;
}

void open_standard_descriptors() {
    int fd;
    while ((fd = ::open("/dev/null", O_RDWR)) >= 0 && fd <= STDERR_FILENO) {
    }
    if (fd >= 0) ::close(fd);
}

void set_process_title(const std::string& title) {
    if (!title_begin) return;
    std::size_t room = static_cast<std::size_t>(title_end - title_begin);
    std::size_t size = std::min(title.size(), room - 1);
    std::memset(title_begin, 0, room);
    std::memcpy(title_begin, title.data(), size);
}

unsigned random_seed() {
    unsigned seed = 0;
    if (::getentropy(&seed, sizeof seed) == 0) return seed;
    auto now = std::chrono::steady_clock::now().time_since_epoch().count();
    return static_cast<unsigned>(now) ^ static_cast<unsigned>(::getpid());
}

void sleep(std::chrono::milliseconds time) {
    timespec left{.tv_sec = time.count() / 1000, .tv_nsec = time.count() % 1000 * 1'000'000};
    while (::nanosleep(&left, &left) != 0 && errno == EINTR) {
    }
}

void wait_for_memory(bool wanted) {
    std::set_new_handler(wanted ? [] { sleep(std::chrono::milliseconds(50)); }
                                : std::new_handler());
}

void set_command_name(const std::string& path) {
    ::prctl(PR_SET_NAME, path.substr(path.rfind('/') + 1).c_str());
}

result<void> set_niceness(int value) {
    if (::setpriority(PRIO_PROCESS, 0, value) != 0) return last_error(std::to_string(value));
    return {};
}

void raise_descriptor_limit() {
    rlimit now{};
    if (::getrlimit(RLIMIT_NOFILE, &now) != 0 || now.rlim_cur == now.rlim_max) return;
    rlimit raised{now.rlim_max, now.rlim_max};
    if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) original_limit = now;
}

std::size_t descriptor_limit() {
    rlimit now{};
    if (::getrlimit(RLIMIT_NOFILE, &now) != 0) return 1024;
    return now.rlim_cur;
}

const rlimit* original_descriptor_limit() { return original_limit ? &*original_limit : nullptr; }

void set_original_descriptor_limit(std::uint64_t soft) {
    rlimit now{};
    if (::getrlimit(RLIMIT_NOFILE, &now) == 0) original_limit = rlimit{soft, now.rlim_max};
}

void set_up_allocator() {
    constexpr int large = 64 * 1024;
    ::mallopt(M_ARENA_MAX, 1);
    ::mallopt(M_MMAP_THRESHOLD, large);
    ::mallopt(M_TRIM_THRESHOLD, large);
}

/// The code is mapped from the program's file and never written, so that nothing is lost: what is
/// used again comes from the page cache. What the linker calls etext ends it.
void forget_startup_code() {
    auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    auto begin = reinterpret_cast<std::uintptr_t>(&__executable_start);
    auto end = reinterpret_cast<std::uintptr_t>(&etext) & ~(page - 1);
    ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
}

result<void> adopt_orphans() {
    if (::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) return last_error("adoption of orphans");
    return {};
}

std::string logical_working_directory(const char* pwd) {
    struct stat named {
    }, real{};
    if (pwd && *pwd == '/' && ::stat(pwd, &named) == 0 && ::stat(".", &real) == 0 &&
        named.st_dev == real.st_dev && named.st_ino == real.st_ino)
        return pwd;
    char path[PATH_MAX];
    return ::getcwd(path, sizeof path) ? path : ".";
}

std::string absolute_path(const std::string& path, const std::string& directory) {
    if (path.starts_with('/')) return path;
    std::string_view rest = path;
    while (rest.starts_with("./")) // often written, but only noise in messages
        rest.remove_prefix(std::min(rest.find_first_not_of('/', 1), rest.size()));
    return directory + "/" + std::string(rest);
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
    std::vector<char*> all;
    for (const std::string& text : texts)
        all.push_back(const_cast<char*>(text.c_str()));
    all.push_back(nullptr);
    return all;
}

unsigned available_cpus() {
    cpu_set_t set;
    if (::sched_getaffinity(0, sizeof set, &set) != 0) return 1;
    return std::max(1U, static_cast<unsigned>(CPU_COUNT(&set)));
}

} // namespace einhyrningsins::os
