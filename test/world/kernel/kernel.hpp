// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "world/kernel/file.hpp"
#include "world/kernel/inotify.hpp"
#include "world/kernel/process.hpp"
#include "world/kernel/socket.hpp"
#include "world/kernel/tree.hpp"

#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace einhyrningsins::world {

constexpr instant never = instant::max();

/// The simulated system: a clock, processes, files, and what is going to happen. One process, the
/// *current* one, runs real code, which calls the system by the functions in calls/; time passes
/// and other processes act only during these calls.
class kernel {
  public:
    kernel();

    // ---- Time ----

    const instant& now() const { return now_; }
    /// What a clock says that is read: a moment later than the last time.
    instant read_clock() { return now_ += std::chrono::nanoseconds(100); }
    /// What the clock of the wall shows.
    instant wall() const { return now_ + wall_; }
    /// Sets that clock forward.
    void step_wall(instant by) { wall_ += by; }
    /// Has `what` happen after a pause.
    void after(instant pause, std::function<void()> what);
    /// The same, unless the process has ended by then.
    void after(instant pause, const process_ptr& of, std::function<void()> what);
    /// Begins a system call: it takes a moment, in which others act. Returns an errno with which
    /// the call has to fail, or 0.
    int enter(const char* call);
    /// An errno with which a part of a call has to fail, or 0.
    int refuse(const char* part) { return fault ? fault(part) : 0; }
    /// Waits, as the current process, until `condition` or `deadline`. Returns the condition.
    bool wait(const std::function<bool()>& condition, instant deadline = never);
    /// SIGSTOP, and SIGCONT after a time, for the current process: it does not go on until then,
    /// and all others do. A call that takes long is the same.
    void stop_current(instant length) { goes_on_at_ = now_ + length; }
    /// Nobody does anything for a time, while clocks go on: a virtual machine is paused, say.
    void freeze_all(instant length);
    /// Whether the current process waits for something, and is not in the middle of anything.
    bool is_waiting = false;
    /// Nothing happens to others as long as this is set: as in a child that shares the memory of
    /// its parent.
    bool is_atomic = false;
    /// Called after everything that happens.
    std::function<void()> on_step;
    /// Called if the current process waits and nothing is going to happen any more. Has to leave.
    std::function<void()> on_standstill;
    /// Called if the current process has been killed. Has to leave.
    std::function<void()> on_death;
    /// Decides which calls fail, with which errno; 0: it does not.
    std::function<int(const char* call)> fault;
    /// Told of what no program of ours may do.
    std::function<void(const std::string&)> complain;

    // ---- Processes ----

    process_ptr current; ///< null: the tested program does not run
    /// A new process, child of `parent` (null: of process 1).
    process_ptr create(const process_ptr& parent);
    process_ptr find(pid_t pid) const;
    const std::map<pid_t, process_ptr>& processes() const { return processes_; }
    /// Executes a program in a process other than the current one. Returns 0 or a negative errno.
    int execute(const process_ptr& in, const std::string& path, std::vector<std::string> arguments,
                std::vector<std::string> environment);
    /// The same for the current process, whose code goes on from there by itself.
    int load(process& in, const std::string& path, std::vector<std::string> arguments,
             std::vector<std::string> environment);
    void exit(const process_ptr& who, int code) { end(who, (code & 0xff) << 8); }
    /// `status`: as wait(2) has it.
    void end(const process_ptr& who, int status);
    void kill(const process_ptr& who, int number);
    /// sigaction(2) without handlers: a signal is ignored, or has its default action. Discards one
    /// that is pending, blocked or not, if nothing is to happen at it any more.
    void set_ignored(process& in, int number, bool ignored);
    /// kill(2) by the current process, which may have 0 or negative targets.
    int send_signal(pid_t target, int number);
    /// Reaps a zombie.
    void bury(const process_ptr& dead);

    // ---- Descriptors of a process ----

    int open_descriptor(process& in, file_ptr made, bool closes_on_exec, int lowest = 0);
    file_ptr file_of(const process& in, int fd) const;
    template <class Kind>
    std::shared_ptr<Kind> file_of(const process& in, int fd) const {
        return std::dynamic_pointer_cast<Kind>(file_of(in, fd));
    }
    int close_descriptor(process& in, int fd);

    // ---- Files and sockets ----

    tree& files() { return files_; }
    inode_ptr directory_of(const process& in, int directory) const;
    /// Opens a file. Returns it, or a negative errno.
    std::pair<file_ptr, int> open(process& in, int directory, std::string_view path, int flags,
                                  mode_t mode);
    /// Follows a path of a process, /proc included.
    place find(const process& in, int directory, std::string_view path, bool follow = true) const;
    std::shared_ptr<inotify_file> open_inotify();
    /// Tells who watches that a file, or something in a directory, has changed, see inotify(7).
    void notice(const inode& changed, std::uint32_t what, const std::string& name = {});
    credentials credentials_of(const process& who) const;
    /// Sockets without a file: "@name" or "tcp 127.0.0.1:80", by name.
    std::map<std::string, std::weak_ptr<file>>& names() { return names_; }
    /// The socket that listens at a path. Null: there is none.
    std::shared_ptr<socket> listener_at(std::string_view path) const;

  private:
    bool happen(instant until);
    void orphan(const process& dead);
    void take_signal(const process_ptr& who, int number);
    pid_t free_pid();
    file_ptr open_of_process(process& in, std::string_view path, int flags) const;
    const process* named_in_proc(const process& in, std::string_view& path) const;

    void pass_time(instant until);

    instant now_ = std::chrono::seconds(1000);
    instant wall_ = boot;  ///< minus now_
    instant goes_on_at_{}; ///< the current process is stopped until then
    std::uint64_t events_ = 0, numbers_ = 0;
    std::map<std::pair<instant, std::uint64_t>, std::function<void()>> queue_; ///< by time
    std::map<pid_t, process_ptr> processes_;
    pid_t last_pid_ = 1;
    tree files_;
    std::map<std::string, std::weak_ptr<file>> names_;
    std::vector<std::weak_ptr<inotify_file>> watchers_;
};

} // namespace einhyrningsins::world
