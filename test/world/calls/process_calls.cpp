// SPDX-License-Identifier: GPL-3.0-or-later
//
// Calls about processes, signals and users.
#include "world/calls/call.hpp"
#include "world/image.hpp"

#include <algorithm>
#include <csetjmp>
#include <csignal>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace einhyrningsins::world {
namespace {

kernel& sys() { return *simulation(); }

/// Where the code of a child that has executed its program leaves to; null: no child runs.
thread_local std::jmp_buf* child_exit = nullptr;

std::vector<std::string> texts(char* const* from) {
    std::vector<std::string> all;
    while (*from)
        all.emplace_back(*from++);
    return all;
}

/// A zombie child that a wait is for.
process_ptr ended_child(idtype_t kind, pid_t id) {
    for (const auto& [pid, one] : sys().processes()) {
        bool is_meant = kind == P_ALL || (kind == P_PID ? pid == id : one->group == id);
        if (one->parent == self().pid && one->is_zombie && is_meant) return one;
    }
    return nullptr;
}

bool has_child(idtype_t kind, pid_t id) {
    return std::ranges::any_of(sys().processes(), [&](const auto& one) {
        bool is_meant =
            kind == P_ALL || (kind == P_PID ? one.first == id : one.second->group == id);
        return one.second->parent == self().pid && is_meant;
    });
}

long reap(pid_t wanted, int* status, int options) {
    idtype_t kind = wanted == -1 ? P_ALL : P_PID;
    if (!has_child(kind, wanted)) return -ECHILD;
    if (!(options & WNOHANG)) sys().wait([&] { return ended_child(kind, wanted) != nullptr; });
    auto dead = ended_child(kind, wanted);
    if (!dead) return 0;
    if (status) *status = dead->status;
    pid_t pid = dead->pid;
    sys().bury(dead);
    return pid;
}

/// Runs the code of a child, which shares our memory, up to its exec or exit.
void run_child(const process_ptr& child, int (*run)(void*), void* argument) {
    process_ptr parent = std::exchange(sys().current, child);
    bool was_atomic = std::exchange(sys().is_atomic, true);
    std::jmp_buf here;
    std::jmp_buf* outer = std::exchange(child_exit, &here);
    if (setjmp(here) == 0) sys().exit(sys().current, run(argument));
    child_exit = outer;
    sys().is_atomic = was_atomic;
    sys().current = std::move(parent); // which may have been killed meanwhile
}

} // namespace

SYSTEM_CALL(int, clone, (int (*run)(void*), void* stack, int flags, void* argument),
            (run, stack, flags, argument)) {
    ignore(stack);
    process_ptr child = sys().create(sys().current);
    if (flags & CLONE_FILES) child->descriptors = self().descriptors;
    run_child(child, run, argument);
    return child->pid;
}

/// As the last call of a child, or of the program that is tested.
SYSTEM_CALL(int, execve, (const char* path, char* const* arguments, char* const* environment),
            (path, arguments, environment)) {
    if (!child_exit) return image::replace(sys(), path, texts(arguments), texts(environment));
    int failed = sys().execute(sys().current, path, texts(arguments), texts(environment));
    if (failed) return failed;
    std::longjmp(*child_exit, 1);
}

SYSTEM_CALL(int, execv, (const char* path, char* const* arguments), (path, arguments)) {
    return image::replace(sys(), path, texts(arguments), texts(environ));
}

SYSTEM_CALL(pid_t, wait4, (pid_t wanted, int* status, int options, rusage* usage),
            (wanted, status, options, usage)) {
    if (usage) *usage = {};
    return reap(wanted, status, options);
}
SYSTEM_CALL(pid_t, waitpid, (pid_t wanted, int* status, int options), (wanted, status, options)) {
    return reap(wanted, status, options);
}

/// Only as a question, with WNOHANG and WNOWAIT.
SYSTEM_CALL(int, waitid, (idtype_t kind, id_t id, siginfo_t* about, int options),
            (kind, id, about, options)) {
    ignore(about, options);
    return has_child(kind, static_cast<pid_t>(id)) ? 0 : -ECHILD;
}

SYSTEM_CALL(int, kill, (pid_t target, int number), (target, number)) {
    return sys().send_signal(target, number);
}

LIBRARY_CALL(pid_t, getpid, (), ()) { return self().pid; }
LIBRARY_CALL(pid_t, getppid, (), ()) { return self().parent; }
LIBRARY_CALL(uid_t, geteuid, (), ()) { return self().user; }
LIBRARY_CALL(gid_t, getegid, (), ()) { return self().user_group; }

SYSTEM_CALL(pid_t, getpgid, (pid_t pid), (pid)) {
    auto found = pid == 0 ? sys().current : sys().find(pid);
    return found ? found->group : -ESRCH;
}
SYSTEM_CALL(int, setpgid, (pid_t pid, pid_t group), (pid, group)) {
    auto found = pid == 0 ? sys().current : sys().find(pid);
    if (!found) return -ESRCH;
    found->group = group == 0 ? found->pid : group;
    return 0;
}

SYSTEM_CALL(pid_t, setsid, (), ()) { return self().group = self().pid; }

/// What is constructed in a simulation is never destroyed.
LIBRARY_CALL(int, __cxa_atexit, (void (*what)(void*), void* argument, void* of),
             (what, argument, of)) {
    return ignore(what, argument, of), 0;
}

// ---- Signals ----

SYSTEM_CALL(int, sigaction, (int number, const struct sigaction* wanted, struct sigaction* before),
            (number, wanted, before)) {
    if (before) *before = {};
    if (before) before->sa_handler = self().ignored.contains(number) ? SIG_IGN : SIG_DFL;
    if (wanted) sys().set_ignored(self(), number, wanted->sa_handler == SIG_IGN);
    return 0;
}

SYSTEM_CALL(int, sigpending, (sigset_t * into), (into)) {
    sigemptyset(into);
    for (int number : self().pending->numbers)
        sigaddset(into, number);
    return 0;
}

SYSTEM_CALL(int, sigprocmask, (int how, const sigset_t* set, sigset_t* before),
            (how, set, before)) {
    ignore(before);
    std::set<int>& blocked = self().blocked;
    if (how == SIG_SETMASK) blocked.clear();
    for (int number = 1; set && number < 65; ++number)
        if (sigismember(set, number) == 1 && how == SIG_UNBLOCK)
            blocked.erase(number);
        else if (sigismember(set, number) == 1)
            blocked.insert(number);
    for (int number : std::set<int>(self().pending->numbers))
        if (!blocked.contains(number)) {
            self().pending->numbers.erase(number);
            sys().kill(sys().current, number);
        }
    return 0;
}

// ---- Attributes ----

SYSTEM_CALL(int, prctl, (int what, unsigned long value, unsigned long b), (what, value, b)) {
    ignore(b);
    switch (what) {
    case PR_GET_DUMPABLE: return 1;
    case PR_SET_CHILD_SUBREAPER: self().adopts_orphans = value; return 0;
    case PR_SET_PDEATHSIG: self().death_signal = static_cast<int>(value); return 0;
    default: return 0;
    }
}

SYSTEM_CALL(int, setpriority, (int which, id_t who, int value), (which, who, value)) {
    ignore(which, who);
    return value < 0 && self().user != 0 ? -EACCES : 0;
}

SYSTEM_CALL(int, getrlimit, (int what, rlimit* into), (what, into)) {
    ignore(what);
    *into = self().descriptor_limit;
    return 0;
}
SYSTEM_CALL(int, setrlimit, (int what, const rlimit* from), (what, from)) {
    ignore(what);
    self().descriptor_limit = *from;
    return 0;
}

SYSTEM_CALL(int, unshare, (int what), (what)) { return ignore(what), 0; }
SYSTEM_CALL(int, madvise, (void* at, size_t size, int advice), (at, size, advice)) {
    return ignore(at, size, advice), 0;
}

SYSTEM_CALL(int, sched_getaffinity, (pid_t who, size_t size, cpu_set_t* set), (who, size, set)) {
    ignore(who);
    std::memset(set, 0, size);
    CPU_SET(0, set);
    CPU_SET(1, set);
    return 0;
}

SYSTEM_CALL(long, syscall, (long number, long a, long b, long c), (number, a, b, c)) {
    ignore(a, c);
    switch (number) {
    case SYS_capget: {
        auto* words = reinterpret_cast<__user_cap_data_struct*>(b);
        std::uint32_t all = self().user == 0 ? ~0U : 0;
        if (words)
            for (int n : {0, 1})
                words[n] = {all, all, 0};
        return 0;
    }
    case SYS_capset: return 0;
    case SYS_setgroups: return self().user == 0 ? 0 : -EPERM;
    case SYS_setresgid:
    case SYS_setresuid:
        if (self().user != 0) return -EPERM;
        (number == SYS_setresuid ? self().user : self().user_group) = static_cast<uid_t>(b);
        return 0;
    default: return -ENOSYS;
    }
}

// ---- The user database ----

namespace {

struct user_entry {
    const char* name;
    uid_t number;
};
constexpr user_entry users[] = {{"root", 0}, {"app", 1000}, {"www", 1001}};

int fill_in(const user_entry& from, passwd* into, char* buffer, std::size_t size, passwd** found) {
    std::string_view name = from.name;
    if (name.size() >= size) return ERANGE;
    buffer[name.copy(buffer, size)] = '\0';
    *into = {};
    into->pw_name = buffer;
    into->pw_uid = into->pw_gid = from.number;
    *found = into;
    return 0;
}

} // namespace

LIBRARY_CALL(int, getpwuid_r,
             (uid_t wanted, passwd* into, char* buffer, size_t size, passwd** found),
             (wanted, into, buffer, size, found)) {
    *found = nullptr;
    for (const user_entry& one : users)
        if (one.number == wanted) return fill_in(one, into, buffer, size, found);
    return 0;
}

LIBRARY_CALL(int, getpwnam_r,
             (const char* wanted, passwd* into, char* buffer, size_t size, passwd** found),
             (wanted, into, buffer, size, found)) {
    *found = nullptr;
    for (const user_entry& one : users)
        if (std::string_view(one.name) == wanted) return fill_in(one, into, buffer, size, found);
    return 0;
}

LIBRARY_CALL(int, getgrnam_r,
             (const char* wanted, ::group* into, char* buffer, size_t size, ::group** found),
             (wanted, into, buffer, size, found)) {
    ignore(buffer, size);
    *found = nullptr;
    for (const user_entry& one : users)
        if (std::string_view(one.name) == wanted) {
            *into = {};
            into->gr_gid = one.number;
            *found = into;
        }
    return 0;
}

LIBRARY_CALL(int, getgrouplist, (const char* user, gid_t group, gid_t* into, int* count),
             (user, group, into, count)) {
    ignore(user);
    into[0] = group;
    return *count = 1;
}

} // namespace einhyrningsins::world
