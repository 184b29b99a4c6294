// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/spawn.hpp"

#include "os/low_numbers.hpp"
#include "os/process.hpp"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <csignal>
#include <cstring>
#include <iterator>
#include <utility>

#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NO_SANITIZER __attribute__((no_sanitize("address", "undefined")))

namespace einhyrningsins::os {
namespace {

constexpr int first_descriptor = 3;
constexpr const char* exec_stage = "exec";
// Where 16-bit ids came first, the others have another name.
#ifdef SYS_setresuid32
constexpr long set_groups = SYS_setgroups32, set_group = SYS_setresgid32,
               set_user = SYS_setresuid32;
#else
constexpr long set_groups = SYS_setgroups, set_group = SYS_setresgid, set_user = SYS_setresuid;
#endif
constexpr std::string_view listen_pid = "LISTEN_PID=";
constexpr std::string_view child_index = "EINHORN_CHILD_INDEX=";

/// The descriptors that a child begins with; -1: none.
struct inheritance {
    int directory;
    int null;
    output_descriptors output;
    int extra;
    std::vector<int> listeners;
};

/// What the child reads and writes while it shares the master's memory: only plain data, and no
/// allocation.
struct birth {
    const char* program;
    char* const* arguments;
    char* const* shell_arguments; ///< for a script without "#!", as execvp(3) runs it
    char* const* environment;
    char* pid_slot; ///< behind "LISTEN_PID=", or null
    const inheritance& from;
    int highest; ///< of all these descriptors
    const int* nice;
    const identity* who; ///< or null
    bool die_with_parent;
    pid_t parent;
    const rlimit* descriptor_limit; ///< to give back, or null

    const char* failed_stage = nullptr;
    int failed_number = 0;
};

NO_SANITIZER int fail(birth& self, const char* stage) {
    self.failed_stage = stage;
    self.failed_number = errno;
    return 127;
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

/// The sources are all above the targets, so none is overwritten before its turn.
NO_SANITIZER bool place_descriptors(const inheritance& from) {
    if (::dup2(from.null, 0) < 0) return false;
    if (from.output.out >= 0 && ::dup2(from.output.out, 1) < 0) return false;
    if (from.output.err >= 0 && ::dup2(from.output.err, 2) < 0) return false;
    int target = first_descriptor;
    const int* listeners = from.listeners.data();
    for (std::size_t i = 0; i < from.listeners.size(); ++i)
        if (::dup2(listeners[i], target++) < 0) return false;
    if (from.extra >= 0 && ::dup2(from.extra, target++) < 0) return false;
    // Closed by the exec, not now: what the stages after this one need stays open until then.
    return ::close_range(target, ~0U, CLOSE_RANGE_CLOEXEC) == 0;
}

NO_SANITIZER void unblock_signals() {
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

/// Returns the stage that failed, or null. By plain system calls: those of the C library would have
/// the other threads follow, and their list is the master's.
NO_SANITIZER const char* become(const identity& who) {
    if (::syscall(set_groups, who.groups.size(), who.groups.data()) != 0)
        return "supplementary groups";
    if (::syscall(set_group, who.group, who.group, who.group) != 0) return "group";
    if (::syscall(set_user, who.user, who.user, who.user) != 0) return "user";
    return nullptr;
}

/// Runs in the child, on a stack of its own, while the master is suspended. The mask is emptied
/// last, so that no signal finds a half-made worker.
NO_SANITIZER int child(void* argument) {
    birth& self = *static_cast<birth*>(argument);
    // Until here the table of descriptors is the master's own: what is above is not even copied.
    if (::close_range(static_cast<unsigned>(self.highest) + 1, ~0U, CLOSE_RANGE_UNSHARE) != 0)
        return fail(self, "descriptors");
    if (::setpgid(0, 0) != 0) return fail(self, "process group");
    // What another user may not do comes before.
    if (self.nice && ::setpriority(PRIO_PROCESS, 0, *self.nice) != 0) return fail(self, "nice");
    if (self.descriptor_limit) ::setrlimit(RLIMIT_NOFILE, self.descriptor_limit);
    if (::fchdir(self.from.directory) != 0) return fail(self, "working directory");
    if (self.who)
        if (const char* stage = become(*self.who)) return fail(self, stage);
    if (self.die_with_parent) { // which a change of the user would undo
        if (::prctl(PR_SET_PDEATHSIG, SIGUSR2) != 0) return fail(self, "death signal");
        // The parent may have ended before; the signal waits for the mask to be emptied.
        if (::getppid() != self.parent) ::kill(::getpid(), SIGUSR2);
    }
    if (!place_descriptors(self.from)) return fail(self, "descriptors");
    if (self.pid_slot) write_pid(self.pid_slot);
    unblock_signals();
    ::execve(self.program, self.arguments, self.environment);
    if (errno == ENOEXEC) {
        ::execve(self.shell_arguments[0], self.shell_arguments, self.environment);
        errno = ENOEXEC;
    }
    return fail(self, exec_stage);
}

/// One stack for all children: there is never more than one at a time before its exec.
char* stack_top() {
    constexpr std::size_t size = 64 * 1024;
    static void* stack = MAP_FAILED;
    if (stack == MAP_FAILED)
        stack = ::mmap(nullptr, size, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    return stack == MAP_FAILED ? nullptr : static_cast<char*>(stack) + size;
}

/// Has the child born, with its first breath in child(); the pid, if it could be made at all.
result<pid_t> bear(birth& self) {
    char* stack = stack_top();
    if (!stack) return os_error{"stack for a new process", ENOMEM};
    pid_t pid = ::clone(child, stack, CLONE_VM | CLONE_FILES | CLONE_VFORK | SIGCHLD, &self);
    if (pid < 0) return last_error("fork");
    // The memory that a process of another user has had is not dumped; but it is ours again.
    if (self.who) ::prctl(PR_SET_DUMPABLE, 1);
    return pid;
}

/// Gives all of them low numbers, for as long as `low` lives.
result<void> lower(inheritance& what, low_copies& low) {
    std::vector<int*> all{&what.directory, &what.null, &what.output.out, &what.output.err,
                          &what.extra};
    for (int& fd : what.listeners)
        all.push_back(&fd);
    for (int* fd : all) {
        auto number = low.of(*fd);
        if (!number) return number.error();
        *fd = *number;
    }
    return {};
}

/// /dev/null, opened once; -1 if that cannot be had.
int null_device() {
    static unique_fd null;
    if (!null) {
        null.reset(::open("/dev/null", O_RDWR | O_CLOEXEC));
        leave_low_numbers(null);
    }
    return null.get();
}

/// The lists of texts of the one start that is going on, as execve(2) takes them, one behind the
/// other.
std::vector<char*>& text_lists() {
    static std::vector<char*> lists;
    return lists;
}

void add_text(const char* text) { text_lists().push_back(const_cast<char*>(text)); }

/// Shows the texts that lie one behind the other, with one NUL or more after each.
void each_packed(const std::vector<char>& texts, auto visit) {
    const char* end = texts.data() + texts.size();
    for (const char* at = texts.data(); at < end; at += std::strlen(at) + 1)
        if (*at != '\0') visit(at);
}

result<std::string> found(const std::string& path) { return {boost::system::in_place_value, path}; }

bool is_executable_file(int directory, const char* path) {
    struct stat facts {};
    if (::fstatat(directory, path, &facts, 0) != 0) return false;
    if (!S_ISREG(facts.st_mode)) {
        errno = S_ISDIR(facts.st_mode) ? EISDIR : EACCES;
        return false;
    }
    return ::faccessat(directory, path, X_OK, AT_EACCESS) == 0;
}

} // namespace

result<std::string> find_program(const std::string& name, std::string_view path, int directory) {
    int reason = ENOENT;
    if (name.find('/') != std::string::npos) {
        if (is_executable_file(directory, name.c_str())) return found(name);
        return last_error(name);
    }
    while (!name.empty()) {
        std::size_t end = path.find(':');
        std::string place(path.substr(0, end));
        std::string candidate = (place.empty() ? "." : place) + "/" + name;
        if (is_executable_file(directory, candidate.c_str())) return found(candidate);
        if (errno == EACCES) reason = EACCES; // execvp(3) goes on, and remembers it
        if (end == std::string_view::npos) break;
        path.remove_prefix(end + 1);
    }
    if (reason == EACCES) return os_error{name, EACCES};
    return os_error{name + ": no such program in PATH"};
}

result<std::string> find_program(const std::string& name, std::string_view path,
                                 const std::string& directory) {
    auto opened = open_directory(directory);
    if (!opened) return opened.error();
    return find_program(name, path, (*opened)->get());
}

spawn_plan spawn_plan::make(spawn_recipe recipe) {
    assert(!recipe.arguments.empty());
    spawn_plan plan;
    plan.recipe_ = std::move(recipe);
    null_device(); // else at the start
    // So that a start does not allocate.
    text_lists().reserve(2 * plan.recipe_.arguments.size() + plan.recipe_.environment.size() + 5);
    plan.pack_environment();
    return plan;
}

/// Sources have to be above all targets, see place_descriptors; one more target is for the extra
/// descriptor.
int spawn_plan::lowest_source() const {
    return first_descriptor + static_cast<int>(recipe_.descriptors.size()) + 1;
}

void spawn_plan::pack_environment() {
    constexpr std::size_t slot_size = 12; // a 32-bit number and its end
    const std::pair<std::string_view, std::size_t*> slots[] = {
        {listen_pid, &pid_slot_},
        {child_index, &index_slot_},
        {recipe_.indexed_entry, &indexed_slot_}};
    for (const std::string& one : std::exchange(recipe_.environment, {})) {
        auto* slot = std::ranges::find_if(slots, [&](const auto& known) {
            return !known.first.empty() && one.starts_with(known.first);
        });
        bool is_filled = slot != std::end(slots);
        std::string_view text = is_filled ? slot->first : one.c_str();
        environment_.insert(environment_.end(), text.begin(), text.end());
        if (is_filled) *slot->second = environment_.size();
        environment_.resize(environment_.size() + (is_filled ? slot_size : 1));
    }
    environment_.shrink_to_fit();
}

std::vector<std::string> spawn_plan::environment() const {
    std::vector<std::string> entries;
    each_packed(environment_, [&](const char* one) { entries.emplace_back(one); });
    return entries;
}

spawn_plan::texts spawn_plan::lay_out_texts() const {
    std::vector<char*>& all = text_lists();
    all.clear();
    for (const std::string& one : recipe_.arguments)
        add_text(one.c_str());
    add_text(nullptr);
    std::size_t shell = all.size();
    add_text("/bin/sh");
    add_text(recipe_.program.c_str());
    for (std::size_t i = 1; i < recipe_.arguments.size(); ++i)
        add_text(recipe_.arguments[i].c_str());
    add_text(nullptr);
    std::size_t environment = all.size();
    each_packed(environment_, add_text);
    add_text(nullptr);
    return {all.data(), all.data() + shell, all.data() + environment};
}

void spawn_plan::fill_in(unsigned index) const {
    for (std::size_t slot : {index_slot_, indexed_slot_})
        if (slot) *std::to_chars(&environment_[slot], &environment_[slot] + 11, index).ptr = '\0';
}

result<pid_t> spawn_plan::spawn(unsigned index, int extra_fd, output_descriptors output) const {
    assert(output.out == -1 || output.out > 2);
    assert(output.err == -1 || output.err > 2);
    if (null_device() < 0) return last_error("/dev/null");
    low_copies low(lowest_source());
    inheritance what{recipe_.directory->get(), null_device(), output, extra_fd,
                     recipe_.descriptors};
    if (auto done = lower(what, low); !done) return done.error();
    fill_in(index);
    texts lists = lay_out_texts();
    birth self{.program = recipe_.program.c_str(),
               .arguments = lists.arguments,
               .shell_arguments = lists.shell_arguments,
               .environment = lists.environment,
               .pid_slot = pid_slot_ ? &environment_[pid_slot_] : nullptr,
               .from = what,
               .highest = low.highest(),
               .nice = recipe_.nice ? &*recipe_.nice : nullptr,
               .who = recipe_.identity ? &*recipe_.identity : nullptr,
               .die_with_parent = recipe_.die_with_parent,
               .parent = ::getpid(),
               .descriptor_limit = original_descriptor_limit()};
    auto pid = bear(self);
    if (!pid || !self.failed_stage) return pid;
    while (::waitpid(*pid, nullptr, 0) < 0 && errno == EINTR) {
    }
    return explain(self.failed_stage, self.failed_number);
}

os_error spawn_plan::explain(const char* stage, int number) const {
    if (stage != exec_stage) return {stage, number};
    std::string what = "exec " + recipe_.program;
    // A program that is there and yet not found is a script whose first line names what is not.
    bool there = ::faccessat(recipe_.directory->get(), recipe_.program.c_str(), X_OK, 0) == 0;
    if (number == ENOENT && there) what += ": its interpreter";
    return {what, number};
}

} // namespace einhyrningsins::os
