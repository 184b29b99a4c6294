// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/process.hpp"

#include "os/credentials.hpp"
#include "os/no_sanitizer.hpp"
#include "os/process_file.hpp"

#include <charconv>
#include <cstdlib>
#include <memory>
#include <string>

#include <csignal>
#include <dirent.h>
#include <sys/wait.h>
#include <unistd.h>

namespace einhyrningsins::os {
namespace {

/// Whether there is a child with that pid or group that has not been reaped.
bool has_child(idtype_t kind, pid_t id) {
    siginfo_t ignored{};
    return id > 0 &&
           ::waitid(kind, static_cast<id_t>(id), &ignored, WEXITED | WNOHANG | WNOWAIT) == 0;
}

result<void> send(pid_t target, int number) {
    if (::kill(target, number) == 0) return {};
    return last_error("signal to process " + std::to_string(target));
}

os_error no_child(pid_t pid) { return {"signal to process " + std::to_string(pid), ESRCH}; }

bool is_alive(pid_t pid) {
    auto facts = stat_of(pid);
    return facts && facts->state != 'Z' && facts->state != 'X';
}

} // namespace

bool process::is_own_child() const { return has_child(P_PID, pid_); }

result<void> process::signal(int number) const {
    return is_own_child() ? send(pid_, number) : no_child(pid_);
}

result<void> process::signal_group(int number) const {
    if (!is_own_child()) return no_child(pid_);
    auto sent = send(-pid_, number);
    bool is_elsewhere = ::getpgid(pid_) != pid_;
    return sent && !is_elsewhere ? sent : send(pid_, number);
}

bool orphaned_group::exists() const {
    bool has_come_again = id_ <= 1 || ::getpgid(id_) >= 0;
    return !has_come_again && has_child(P_PGID, id_);
}

std::map<pid_t, running_members> find_running(const std::set<pid_t>& groups) {
    std::map<pid_t, running_members> running;
    if (groups.empty()) return running;
    std::unique_ptr<DIR, int (*)(DIR*)> all(::opendir("/proc"), ::closedir);
    while (dirent* entry = all ? ::readdir(all.get()) : nullptr) {
        pid_t pid = std::atoi(entry->d_name);
        pid_t group = pid > 0 ? ::getpgid(pid) : 0;
        if (!groups.contains(group) || !is_alive(pid)) continue;
        ++running[group].count;
        if (auto user = user_of(pid)) running[group].users.insert(*user);
    }
    return running;
}

result<void> orphaned_group::signal(int number) const {
    return exists() ? send(-id_, number) : no_child(id_);
}

NO_SANITIZER void signal_self(int number) { ::kill(::getpid(), number); }

std::uint64_t memory_bytes(pid_t pid) {
    char text[256];
    std::string_view line = read_process_file(pid, "statm", text);
    std::uint64_t pages = 0;
    std::size_t resident = line.find(' ') + 1; // 0: there is no such process
    if (resident > 0) std::from_chars(line.data() + resident, line.data() + line.size(), pages);
    return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

} // namespace einhyrningsins::os
