// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/action.hpp"
#include "core/report.hpp"
#include "handoff/state.hpp"
#include "master/group/worker_logs.hpp"
#include "os/reap.hpp"
#include "os/template_process.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace einhyrningsins::master {

/// What became of a wish for a worker.
struct birth {
    core::action::spawn wish;
    os::result<core::process_id> pid;
    os::unique_fd control;                 ///< our end of its control socket (-g)
    std::optional<core::exit_cause> death; ///< it has ended already
};

/// A wish that the template process was told of, and has not answered.
struct asked_birth {
    core::action::spawn wish;
    os::unique_fd control;
};

/// What is preloaded for one generation of a group (-p): a template process that has loaded, or is
/// loading, the shared object, and the wishes for workers that it is to answer. Nothing waits for
/// the process; if it fails in any way it is killed, and all wishes that it has left open are given
/// back.
class preload : public std::enable_shared_from_this<preload> {
  public:
    /// What the owner is told. Nothing of it is called by the functions that begin a preload.
    struct owner {
        std::function<void(birth)> born; ///< the answer to ask(), sooner or later
        /// The other answer: no template process can do it, it is to be executed.
        std::function<void(const core::action::spawn&)> declined;
        output_source output; ///< of the template process and of each worker
        std::function<void(core::severity, const std::string&)> log;
    };

    /// Starts a template process for the object `path`. `worker` describes what workers inherit.
    /// With `socket_as_fd` each is given a control socket (-g).
    static os::result<std::shared_ptr<preload>> start(boost::asio::io_context& context,
                                                      os::spawn_recipe worker, std::string path,
                                                      bool socket_as_fd, owner who);
    /// Goes on with one that another master has begun.
    static std::shared_ptr<preload> take_over(boost::asio::io_context& context,
                                              const handoff::preload& from, bool socket_as_fd,
                                              owner who);
    ~preload();
    preload(const preload&) = delete;
    preload& operator=(const preload&) = delete;

    /// What another master needs to go on with it; after hear(). Nothing: it has failed.
    std::optional<handoff::preload> hand_over(core::generation number) const;

    core::process_id pid() const { return process_.pid(); }
    const char* state_name() const;
    /// Workers can be asked for, though they may have to wait.
    bool is_usable() const { return state_ != state::failed; }
    /// Nobody waits for an answer.
    bool is_idle() const { return asked_.empty() && waits_.empty(); }

    /// Has a worker made. The answer may come before this returns.
    void ask(const core::action::spawn& wish);

    /// Takes back what was wished for and not begun yet, where `unwanted` says so.
    void withdraw(const std::function<bool(const core::action::spawn&)>& unwanted);

    /// Takes the answers that are there. To be called before anything is made of news about a
    /// process that nobody knows: it may be a worker whose birth was told before.
    void hear();

    /// A child that is no known worker has died. It may be the template process, or a worker whose
    /// birth is still to be told: hear() will know, when all deaths have been noticed that were
    /// reaped.
    void notice_death(const os::reaped& dead);

  private:
    enum class state {
        loading, ///< wishes wait
        loaded,
        doomed, ///< its death, which is certain, decides about the wishes
        failed
    };

    preload(boost::asio::io_context& context, os::template_process process, std::string path,
            bool socket_as_fd, owner who);

    void await();
    void stop_listening();
    void expect_answer();
    void on_overdue();
    void send(const core::action::spawn& wish);
    void on(const os::template_answer::loaded&);
    void on(const os::template_answer::refused& what);
    void on(const os::template_answer::forked& what);
    void on(const os::template_answer::fork_failed& what);
    void on(const os::template_answer::garbled&);
    void on(const os::template_answer::closed&);
    asked_birth take_first();
    std::optional<core::exit_cause> take_stray(core::process_id pid);
    void doom(const std::string& reason);
    void fail(const std::string& reason);

    os::template_process process_;
    boost::asio::posix::stream_descriptor readable_;
    boost::asio::steady_timer overdue_;
    std::string path_;
    bool socket_as_fd_;
    owner owner_;
    state state_ = state::loading;
    std::optional<core::exit_cause> end_; ///< how the process died
    std::string doom_;                    ///< why it had to be killed; empty: it was not
    core::time_point began_at_ = core::time_point::clock::now();
    std::deque<asked_birth> asked_;
    std::vector<core::action::spawn> waits_;
    std::vector<os::reaped> strays_; ///< deaths of children that may be born yet
};

/// Why `path` cannot be what -p asks for, as far as its name tells; empty: nothing is known.
std::string why_not_preloadable(const std::string& path);

} // namespace einhyrningsins::master
