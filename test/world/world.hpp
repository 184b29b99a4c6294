// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "world/client.hpp"
#include "world/kernel/kernel.hpp"
#include "world/story.hpp"
#include "world/worker.hpp"

#include <coroutine>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace einhyrningsins::world {

/// A simulated machine with one master, its workers and its clients, see "The world" in
/// src/README.md.
class world {
  public:
    world();
    ~world();
    world(const world&) = delete;
    world& operator=(const world&) = delete;

    /// Starts the master with these words and runs it to its end, while `told` happens.
    void run(std::vector<std::string> words, story told);

    // ---- For stories ----

    /// `kill -9` of the master and its workers, and a new master called with the same words.
    void kill_and_start_again();

    /// Awaits a condition. It is a violation if that takes longer.
    auto until(std::string what, std::function<bool()> condition,
               instant longest = std::chrono::seconds(60)) {
        return awaiting(*this, std::move(what), std::move(condition), longest);
    }
    /// Awaits a time.
    auto pause(instant length) {
        instant end = system.now() + length;
        system.after(length, [] {});
        return until(
            "a pause", [this, end] { return system.now() >= end; }, never / 4);
    }
    /// Whether there is a control socket.
    bool is_listening() const;
    /// A new process that connects to the control socket, if there is one.
    client& connect(std::string_view path = "/tmp/einhorn.sock");
    void shut_clients();
    /// The workers that are running, in the order of their pids.
    std::vector<process_ptr> workers() const;
    /// The lines that the master has logged and that contain `text`.
    std::size_t logged(std::string_view text) const;
    void expect(bool condition, const std::string& what);
    void complain(const std::string& what);
    /// How many descriptors of each kind the master has.
    std::map<std::string, int> descriptors() const;
    void expect_same(const std::map<std::string, int>& before,
                     const std::map<std::string, int>& after);

    /// The errno with which a system call of the master fails; 0: it does not.
    std::function<int(std::string_view call)> fault;
    /// Whether a file may be left over.
    std::function<bool(const std::string&)> is_expected = [](const std::string&) { return false; };
    // "/srv/server" is the program of workers, "/srv/stop NAME" sends SIGTERM to those that were
    // called with NAME, and "/srv/upgrader" ends well after a while.

    /// What the next workers do; called for each.
    std::function<worker_plan(const process&)> plan = [](const process&) { return worker_plan(); };

    // ---- Results ----

    const std::vector<std::string>& violations() const { return violations_; }
    const std::string& log() const { return log_; }
    /// The exit code of the master; nothing: it was killed.
    std::optional<int> exit_code() const;

    kernel system;
    process_ptr master;
    uid_t user = 1000;      ///< of the master; that of /srv unless it is root
    bool is_killed = false; ///< it is not to be looked at any more

  private:
    class awaiting {
      public:
        awaiting(world& in, std::string what, std::function<bool()> condition, instant longest)
            : in_(in),
              what_(std::move(what)),
              condition_(std::move(condition)),
              longest_(longest) {}
        bool await_ready() const { return condition_(); }
        void await_suspend(std::coroutine_handle<>) {
            in_.awaited_ = {std::move(what_), std::move(condition_), in_.system.now() + longest_};
            in_.system.after(longest_, [] {});
        }
        void await_resume() const {}

      private:
        world& in_;
        std::string what_;
        std::function<bool()> condition_;
        instant longest_;
    };
    struct wait {
        std::string what;
        std::function<bool()> holds;
        instant deadline{};
    };

    int hear_call(const char* call);
    double seconds() const;
    process_ptr make_master();
    void install_programs();
    void step();
    void drain_log();
    void check_end();
    void list(const inode& directory, const std::string& path, std::vector<std::string>& into);
    std::vector<std::string> files();
    void install_program(const std::string& path, std::function<void(const process_ptr&)> run);
    [[noreturn]] void leave(const std::string& why);

    std::shared_ptr<channel> standard_error_ = std::make_shared<channel>();
    std::list<client> clients_;
    std::optional<story> told_;
    wait awaited_;
    bool stepping_ = false, starts_again_ = false;
    std::uint64_t calls_ = 0;                                      ///< of the master
    bool traces_ = std::getenv("EINHYRNINGSINS_TRACE") != nullptr; ///< prints each call
    std::string log_;
    std::vector<std::string> violations_;
};

} // namespace einhyrningsins::world
