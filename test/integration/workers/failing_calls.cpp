// SPDX-License-Identifier: GPL-3.0-or-later
//
// Makes calls of the C library fail in a master that another one has just executed. To be named in
// LD_PRELOAD, with FAILING_CALLS=DIRECTORY in the environment. Files in that directory:
//
//     plan    A line "NAME FIRST LAST ERRNO" makes the FIRST to LAST call of that name fail, from
//             1, until the master's loop waits for the first time; with "always" behind it, also
//             later.
//     trial   The same for the trial run.
//     calls   Gets the name of each call until then, a line each, and "waiting" at the end.
//
// Calls of other threads, and of every other program, such as a worker, are left alone.
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

struct rule {
    char name[32] = "";
    unsigned first = 0, last = 0;
    int number = 0;
    char always[8] = "";
};

bool armed = false;
bool begun = false;  ///< the master is made
bool waited = false; ///< its loop runs
std::vector<rule>* plan = nullptr;
std::string* calls = nullptr; ///< the path
std::map<std::string, unsigned>* counts = nullptr;

/// Without the functions below.
long raw_open(const char* path, int flags) {
    return ::syscall(SYS_openat, AT_FDCWD, path, flags, 0666);
}

std::string raw_read(const std::string& path) {
    char text[4096];
    long fd = raw_open(path.c_str(), O_RDONLY | O_CLOEXEC);
    long size = fd < 0 ? 0 : ::syscall(SYS_read, fd, text, sizeof text);
    if (fd >= 0) ::syscall(SYS_close, fd);
    return {text, static_cast<std::size_t>(size < 0 ? 0 : size)};
}

/// Which plan is for this process; null: none.
const char* name_of_plan() {
    std::string words = raw_read("/proc/self/cmdline");
    auto has = [&](const char* word) {
        return words.find(std::string(1, '\0') + word + '\0') != words.npos;
    };
    bool takes_over =
        has("--with-state-fd") && words.substr(0, words.find('\0')).ends_with("einhyrningsins");
    if (!takes_over) return nullptr;
    return has("--upgrade-check") ? "/trial" : "/plan";
}

__attribute__((constructor)) void arm() {
    const char* directory = ::getenv("FAILING_CALLS");
    const char* name = name_of_plan();
    if (!directory || !name) return;
    plan = new std::vector<rule>;
    std::istringstream lines(raw_read(std::string(directory) + name));
    for (std::string line; std::getline(lines, line);) {
        rule next;
        if (std::sscanf(line.c_str(), "%31s %u %u %d %7s", next.name, &next.first, &next.last,
                        &next.number, next.always) >= 4)
            plan->push_back(next);
    }
    calls = new std::string(std::string(directory) + (name[1] == 't' ? "/calls.trial" : "/calls"));
    counts = new std::map<std::string, unsigned>;
    armed = true;
}

/// The master closes all descriptors that it does not know.
void note(const std::string& line) {
    long fd = raw_open(calls->c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC);
    ::syscall(SYS_write, fd, line.data(), line.size());
    ::syscall(SYS_close, fd);
}

/// Whether this call is to fail, with errno.
bool fails(const char* name) {
    if (!armed || ::syscall(SYS_gettid) != ::getpid()) return false;
    armed = false; // not for what is called here
    int failure = 0;
    unsigned count = ++(*counts)[name];
    for (const rule& each : *plan)
        if (each.name == std::string_view(name) && count >= each.first && count <= each.last &&
            (!waited || each.always[0]))
            failure = each.number;
    if (!waited) note(std::string(name) + "\n");
    armed = true;
    if (failure != 0) errno = failure;
    return failure != 0;
}

template <class Function>
Function* next(const char* name) {
    return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

} // namespace

// The system has structs of the same names as some functions.
#pragma GCC diagnostic ignored "-Wshadow"

#define INTERPOSE(result, failure, name, declaration, arguments)                                   \
    extern "C" result name declaration {                                                           \
        static auto* real = next<result declaration>(#name);                                       \
        return fails(#name) ? failure : real arguments;                                            \
    }

INTERPOSE(int, -1, accept, (int a, sockaddr* b, socklen_t* c), (a, b, c))
INTERPOSE(int, -1, accept4, (int a, sockaddr* b, socklen_t* c, int d), (a, b, c, d))
INTERPOSE(int, -1, access, (const char* a, int b), (a, b))
INTERPOSE(int, -1, bind, (int a, const sockaddr* b, socklen_t c), (a, b, c))
INTERPOSE(int, -1, chmod, (const char* a, mode_t b), (a, b))
INTERPOSE(int, -1, close_range, (unsigned a, unsigned b, int c) noexcept, (a, b, c))
INTERPOSE(int, -1, connect, (int a, const sockaddr* b, socklen_t c), (a, b, c))
INTERPOSE(int, -1, dup3, (int a, int b, int c), (a, b, c))
INTERPOSE(int, -1, epoll_create, (int a), (a))
INTERPOSE(int, -1, epoll_create1, (int a), (a))
INTERPOSE(int, -1, eventfd, (unsigned a, int b), (a, b))
INTERPOSE(int, -1, faccessat, (int a, const char* b, int c, int d), (a, b, c, d))
INTERPOSE(int, -1, fchmod, (int a, mode_t b), (a, b))
INTERPOSE(int, -1, fchown, (int a, uid_t b, gid_t c), (a, b, c))
INTERPOSE(int, -1, fchownat, (int a, const char* b, uid_t c, gid_t d, int e), (a, b, c, d, e))
INTERPOSE(int, -1, flock, (int a, int b), (a, b))
INTERPOSE(int, -1, fstat, (int a, struct stat* b), (a, b))
INTERPOSE(DIR*, nullptr, fdopendir, (int a), (a))
INTERPOSE(int, -1, fstatat, (int a, const char* b, struct stat* c, int d), (a, b, c, d))
INTERPOSE(char*, nullptr, getcwd, (char* a, std::size_t b), (a, b))
INTERPOSE(int, -1, getentropy, (void* a, std::size_t b), (a, b))
INTERPOSE(int, -1, getsockname, (int a, sockaddr* b, socklen_t* c), (a, b, c))
INTERPOSE(int, -1, getsockopt, (int a, int b, int c, void* d, socklen_t* e), (a, b, c, d, e))
INTERPOSE(int, -1, inotify_add_watch, (int a, const char* b, unsigned c), (a, b, c))
INTERPOSE(int, -1, inotify_init1, (int a), (a))
INTERPOSE(int, -1, listen, (int a, int b), (a, b))
INTERPOSE(off_t, -1, lseek, (int a, off_t b, int c), (a, b, c))
INTERPOSE(int, -1, lstat, (const char* a, struct stat* b), (a, b))
INTERPOSE(int, -1, memfd_create, (const char* a, unsigned b), (a, b))
INTERPOSE(int, -1, mkdir, (const char* a, mode_t b), (a, b))
INTERPOSE(char*, nullptr, mkdtemp, (char* a), (a))
INTERPOSE(int, -1, mkostemp, (char* a, int b), (a, b))
INTERPOSE(DIR*, nullptr, opendir, (const char* a), (a))
INTERPOSE(int, -1, pipe2, (int* a, int b), (a, b))
INTERPOSE(ssize_t, -1, pread, (int a, void* b, std::size_t c, off_t d), (a, b, c, d))
INTERPOSE(ssize_t, -1, pwrite, (int a, const void* b, std::size_t c, off_t d), (a, b, c, d))
INTERPOSE(ssize_t, -1, read, (int a, void* b, std::size_t c), (a, b, c))
INTERPOSE(ssize_t, -1, readlink, (const char* a, char* b, std::size_t c), (a, b, c))
INTERPOSE(ssize_t, -1, readlinkat, (int a, const char* b, char* c, std::size_t d), (a, b, c, d))
INTERPOSE(ssize_t, -1, recvmsg, (int a, msghdr* b, int c), (a, b, c))
INTERPOSE(int, -1, rename, (const char* a, const char* b), (a, b))
INTERPOSE(int, -1, renameat, (int a, const char* b, int c, const char* d), (a, b, c, d))
INTERPOSE(ssize_t, -1, send, (int a, const void* b, std::size_t c, int d), (a, b, c, d))
INTERPOSE(ssize_t, -1, sendmsg, (int a, const msghdr* b, int c), (a, b, c))
INTERPOSE(int, -1, setsockopt, (int a, int b, int c, const void* d, socklen_t e), (a, b, c, d, e))
INTERPOSE(int, -1, signalfd, (int a, const void* b, int c), (a, b, c))
INTERPOSE(int, -1, socket, (int a, int b, int c), (a, b, c))
INTERPOSE(int, -1, socketpair, (int a, int b, int c, int* d), (a, b, c, d))
INTERPOSE(ssize_t, -1, splice, (int a, off64_t* b, int c, off64_t* d, std::size_t e, unsigned f),
          (a, b, c, d, e, f))
INTERPOSE(int, -1, stat, (const char* a, struct stat* b), (a, b))
INTERPOSE(int, -1, timerfd_create, (int a, int b), (a, b))
INTERPOSE(int, -1, unlink, (const char* a), (a))
INTERPOSE(int, -1, unlinkat, (int a, const char* b, int c), (a, b, c))
INTERPOSE(ssize_t, -1, write, (int a, const void* b, std::size_t c), (a, b, c))

extern "C" int open(const char* path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    static auto* real = next<int(const char*, int, mode_t)>("open");
    return fails("open") ? -1 : real(path, flags, mode);
}

extern "C" int openat(int directory, const char* path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    static auto* real = next<int(int, const char*, int, mode_t)>("openat");
    return fails("openat") ? -1 : real(directory, path, flags, mode);
}

/// Changes and removals of what is watched already do not fail.
extern "C" int epoll_ctl(int set, int operation, int fd, epoll_event* event) noexcept {
    static auto* real = next<int(int, int, int, epoll_event*)>("epoll_ctl");
    return operation == EPOLL_CTL_ADD && fails("epoll_ctl") ? -1 : real(set, operation, fd, event);
}

extern "C" int setrlimit(__rlimit_resource_t what, const rlimit* limit) noexcept {
    static auto* real = next<int(__rlimit_resource_t, const rlimit*)>("setrlimit");
    return fails("setrlimit") ? -1 : real(what, limit);
}

extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* wishes, void* (*run)(void*),
                              void* of) noexcept {
    static auto* real =
        next<int(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*)>("pthread_create");
    return fails("pthread_create") ? errno : real(thread, wishes, run, of);
}

/// F_SETFD fails for what is not open, as if a program in between had closed it: then it is closed
/// here, and counted as "lost".
extern "C" int fcntl(int fd, int command, ...) {
    va_list rest;
    va_start(rest, command);
    long argument = va_arg(rest, long);
    va_end(rest);
    static auto* real = next<int(int, int, long)>("fcntl");
    if (command == F_SETFD && fails("lost")) {
        ::syscall(SYS_close, fd);
        errno = EBADF;
        return -1;
    }
    if (command == F_DUPFD_CLOEXEC && fails("fcntl")) return -1;
    return real(fd, command, argument);
}

/// What the master does last before its loop runs, see os::forget_startup_code.
extern "C" int madvise(void* begin, std::size_t size, int advice) noexcept {
    static auto* real = next<int(void*, std::size_t, int)>("madvise");
    begun = true;
    return real(begin, size, advice);
}

/// The loop runs when it waits for the first time.
extern "C" int epoll_wait(int fd, epoll_event* events, int most, int timeout) {
    static auto* real = next<int(int, epoll_event*, int, int)>("epoll_wait");
    if (timeout != 0 && armed && begun && !waited) {
        waited = true;
        note("waiting\n");
    }
    return real(fd, events, most, timeout);
}
