// SPDX-License-Identifier: GPL-3.0-or-later
//
// The code that runs between clone(2) and execve(2). It only makes system calls: it does not
// allocate, and calls no function of the C library that touches the state of other threads.
#include "os/child.hpp"

#include "os/descriptors.hpp"
#include "os/no_sanitizer.hpp"
#include "os/process.hpp"
#include "os/signals.hpp"

#include <cerrno>
#include <csignal>

#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace einhyrningsins::os {
namespace {

using enum birth_stage;

constexpr int first_descriptor = 3;
// On architectures that had 16-bit ids first, the calls with 32-bit ids have another name.
#ifdef SYS_setresuid32
constexpr long set_groups = SYS_setgroups32, set_group = SYS_setresgid32,
               set_user = SYS_setresuid32;
#else
constexpr long set_groups = SYS_setgroups, set_group = SYS_setresgid, set_user = SYS_setresuid;
#endif

/// Records the failure. Returns false, so that a step can `return fail(...)`.
NO_SANITIZER bool fail(child& self, birth_stage stage) {
    self.failure = {stage, errno};
    self.failed = true;
    return false;
}

/// The child leads a process group. One with another identity leaves the session of the master as
/// well, and so its controlling terminal: a process can type into that (TIOCSTI, see
/// ioctl_tty(2)), for the shell of whoever has started the master.
NO_SANITIZER bool lead_group(child& self) {
    bool leads = self.as ? ::setsid() >= 0 : ::setpgid(0, 0) == 0;
    return leads || fail(self, process_group);
}

/// Sets priority, directory and identity, in this order: the new user may not be allowed the rest.
NO_SANITIZER bool set_surroundings(child& self) {
    if (!lead_group(self)) return false;
    if (self.nice && ::setpriority(PRIO_PROCESS, 0, *self.nice) != 0) return fail(self, niceness);
    if (self.descriptor_limit) ::setrlimit(RLIMIT_NOFILE, self.descriptor_limit);
    if (::fchdir(self.from.directory) != 0) return fail(self, directory);
    return true;
}

NO_SANITIZER bool place(int source, int as) { return source < 0 || ::dup2(source, as) >= 0; }

/// Moves the descriptors to their numbers and closes all others except the report. All sources are
/// above the targets, so none is overwritten before it was moved.
NO_SANITIZER bool place_descriptors(child& self) {
    inheritance& from = self.from;
    int target = first_descriptor;
    bool placed = place(from.null, 0) && place(from.out, 1) && place(from.err, 2);
    for (std::size_t n = 0; placed && n < from.listeners.size(); ++n)
        placed = place(from.listeners[n], target++);
    if (placed && from.extra >= 0) placed = place(from.extra, target++);
    if (placed && from.report >= 0) {
        placed = ::dup3(from.report, target, O_CLOEXEC) >= 0;
        if (placed) from.report = target++;
    }
    if (!placed) return fail(self, descriptors);
    close_descriptors(static_cast<unsigned>(target), ~0U);
    return true;
}

NO_SANITIZER void write_pid(char* slot) {
    char digits[12];
    int length = 0;
    for (pid_t rest = ::getpid(); rest > 0; rest /= 10)
        digits[length++] = static_cast<char>('0' + rest % 10);
    while (length > 0)
        *slot++ = digits[--length];
    *slot = '\0';
}

/// Uses plain system calls: the functions of the C library would change the identity of the other
/// threads as well, and their list is that of the master.
NO_SANITIZER bool become(child& self) {
    const identity& as = *self.as;
    if (::syscall(set_groups, as.groups.size(), as.groups.data()) != 0)
        return fail(self, supplementary_groups);
    if (::syscall(set_group, as.group, as.group, as.group) != 0) return fail(self, group);
    if (::syscall(set_user, as.user, as.user, as.user) != 0) return fail(self, user);
    return true;
}

NO_SANITIZER bool protect_memory(child& self) {
    return ::prctl(PR_SET_DUMPABLE, 0) == 0 || fail(self, memory);
}

/// Ambient capabilities must be inheritable, see capabilities(7). So no capability is left that
/// would survive the exec of a user other than root.
NO_SANITIZER bool give_up_capabilities(child& self) {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3]{};
    bool becomes_root = self.as && self.as->user == 0;
    bool keeps_own = becomes_root || !self.as; // until the exec
    if (keeps_own && ::syscall(SYS_capget, &header, data) != 0) return fail(self, capabilities);
    for (__user_cap_data_struct& word : data)
        word.inheritable = 0;
    if (::syscall(SYS_capset, &header, data) != 0) return fail(self, capabilities);
    return true;
}

NO_SANITIZER bool die_with_parent(child& self) {
    if (::prctl(PR_SET_PDEATHSIG, SIGUSR2) != 0) return fail(self, death_signal);
    // The parent may have ended before. The signal stays pending until the mask is emptied.
    if (::getppid() != self.parent) signal_self(SIGUSR2);
    return true;
}

/// Signals are unblocked last, so that no signal is delivered to a worker that is not complete.
NO_SANITIZER bool execute(child& self) {
    reset_masters_signals();
    if (!self.program) return true;
    ::execve(self.program, self.arguments, self.environment);
    if (errno == ENOEXEC) {
        ::execve(self.shell_arguments[0], self.shell_arguments, self.environment);
        errno = ENOEXEC;
    }
    return fail(self, exec);
}

/// All steps up to the exec. Returns only if a step has failed, or in a rehearsal.
NO_SANITIZER void go(child& self) {
    if (!set_surroundings(self) || !place_descriptors(self)) return;
    if (self.pid_slot) write_pid(self.pid_slot);
    // The change of the user protects the memory as well, but not where fs.suid_dumpable is 1,
    // which proc(5) calls insecure: there the new user could read it for an instant.
    if (self.as && (!become(self) || !protect_memory(self))) return;
    if (self.gives_up_capabilities && !give_up_capabilities(self)) return;
    // After the change of the user, which would undo it.
    if (self.dies_with_parent && !die_with_parent(self)) return;
    execute(self);
}

/// Up to here the child shares the table of descriptors of the master; those above are not copied.
NO_SANITIZER bool leave_table(child& self) {
    if (!self.shares_table || unshare_descriptors(static_cast<unsigned>(self.from.highest)))
        return true;
    self.needs_table = errno == ENOSYS || errno == EINVAL || errno == EPERM;
    return fail(self, descriptors);
}

NO_SANITIZER int run_sharing(void* argument) {
    child& self = *static_cast<child*>(argument);
    if (leave_table(self)) go(self);
    return 127;
}

NO_SANITIZER int run_apart(void* argument) {
    child& self = *static_cast<child*>(argument);
    if (protect_memory(self)) go(self);
    (void)!::write(self.from.report, &self.failure, sizeof self.failure);
    return 127;
}

/// One stack for all children: at most one at a time runs in the memory of this process.
char* stack_top() {
    constexpr std::size_t size = 64 * 1024;
    static void* stack = MAP_FAILED;
    if (stack == MAP_FAILED)
        stack = ::mmap(nullptr, size, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    return stack == MAP_FAILED ? nullptr : static_cast<char*>(stack) + size;
}

result<pid_t> start(child& made, int (*run)(void*), int flags) {
    char* stack = stack_top();
    if (!stack) return os_error{"stack for a new process", ENOMEM};
    pid_t pid = ::clone(run, stack, flags | SIGCHLD, &made);
    if (pid < 0) return last_error("fork");
    return pid;
}

} // namespace

result<pid_t> start_sharing(child& made) {
    static bool can_share_table = true; // until close_range(2) has failed
    for (;;) {
        made.shares_table = can_share_table;
        auto pid =
            start(made, run_sharing, CLONE_VM | CLONE_VFORK | (can_share_table ? CLONE_FILES : 0));
        if (!pid || !made.needs_table) return pid;
        wait_for(*pid);
        can_share_table = made.failed = made.needs_table = false;
    }
}

void wait_for(pid_t ended) {
    while (::waitpid(ended, nullptr, 0) < 0 && errno == EINTR) {
    }
}

result<pid_t> start_apart(child& made) { return start(made, run_apart, 0); }

} // namespace einhyrningsins::os
