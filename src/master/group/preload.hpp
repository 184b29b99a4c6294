// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/action.hpp"
#include "core/report.hpp"
#include "handoff/state.hpp"
#include "loop/alarm.hpp"
#include "loop/readable.hpp"
#include "machine/preload.hpp"
#include "master/group/worker_logs.hpp"
#include "os/reap.hpp"
#include "os/template_process.hpp"

#include <boost/asio/io_context.hpp>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace einhyrningsins::master {

/// What became of a wish for a worker.
struct birth {
    core::action::spawn wish;
    os::result<core::process_id> pid;
    os::unique_fd control;                 ///< our end of its control socket (-g)
    std::optional<core::exit_cause> death; ///< it has ended already
    bool scarce = false;                   ///< no room for it, though the error has no number
};

using machine::standing;

/// The template process of one generation of a group (-p), which does what machine::preload
/// decides. Nothing waits for the process.
class preload : public std::enable_shared_from_this<preload> {
  public:
    /// What the owner is told and asked. The constructor calls nothing of it.
    struct owner {
        std::function<void(birth)> born; ///< the answer to ask(), sooner or later
        /// The other answer: no template process can do it, the program is to be executed.
        std::function<void(const core::action::spawn&)> declined;
        output_source output; ///< of the template process and of each worker
        /// Whether a process can be a fork of the template process.
        std::function<standing(core::process_id)> standing_of;
        std::function<void(core::severity, const std::string&)> log;
    };

    /// Starts a template process for the object `path`. `worker` describes what workers inherit.
    /// With `socket_as_fd` each is given a control socket (-g).
    static os::result<std::shared_ptr<preload>> start(boost::asio::io_context& context,
                                                      os::spawn_recipe worker, std::string path,
                                                      bool socket_as_fd, owner callbacks);
    /// Goes on from a state, of another master or that of a process which has just been started. A
    /// process that cannot be heard any more is killed.
    preload(boost::asio::io_context& context, os::template_process process,
            const handoff::preload& from, bool socket_as_fd, owner callbacks);
    preload(const preload&) = delete;
    preload& operator=(const preload&) = delete;

    /// What another master needs to go on with it; after hear(). Nothing: the process has gone, or
    /// cannot be heard, so that nothing will come of its orders.
    std::optional<handoff::preload> hand_over(core::generation number) const;

    core::process_id pid() const { return process_.pid(); }
    const char* state_name() const;
    /// Workers can be asked for, though they may have to wait.
    bool is_usable() const { return machine_.state().now != machine::preload::phase::gone; }
    /// Nobody waits for an answer.
    bool is_idle() const { return machine_.is_idle(); }

    /// Has a worker made. The answer may come before this returns.
    void ask(const core::action::spawn& order);

    /// Takes back orders that were not begun yet, where `unwanted` says so.
    void withdraw(const std::function<bool(const core::action::spawn&)>& unwanted);

    /// Takes the answers that are there. To be called before anything is made of news about a
    /// process that nobody knows: it may be a worker whose birth was told before.
    void hear();

    /// A child that is no known worker has died. It may be the template process, or a worker whose
    /// birth is still to be told: hear() will know, when all deaths have been noticed that were
    /// reaped.
    void notice_death(const os::reaped& dead);

  private:
    using actions = machine::preload::actions;

    actions on(const os::template_answer::loaded&);
    actions on(const os::template_answer::refused& answer);
    actions on(const os::template_answer::forked& answer);
    actions on(const os::template_answer::fork_failed& answer);
    actions on(const os::template_answer::garbled&);
    actions on(const os::template_answer::closed&);
    void carry_out(const actions& all);
    void perform(const machine::preload_action::send& action);
    void perform(const machine::preload_action::born& action);
    void perform(const machine::preload_action::failed& action);
    void perform(const machine::preload_action::decline& action);
    void perform(const machine::preload_action::kill&);
    void perform(const machine::preload_action::hang_up&);
    void perform(const machine::preload_action::set_limit& action);
    void perform(const machine::preload_action::note& action);
    os::result<void> send(const core::action::spawn& order);
    os::unique_fd take_control(core::worker_id order);

    os::template_process process_;
    std::string path_;
    machine::preload machine_;
    loop::readable answers_;
    loop::alarm limit_;
    loop::alarm deaf_; ///< set when it is clear that the process cannot be heard
    unsigned limit_number_ = 0;
    bool socket_as_fd_;
    owner owner_;
    core::time_point began_at_ = core::time_point::clock::now();
    std::map<core::worker_id, os::unique_fd> controls_; ///< our ends, of orders without an answer
    std::optional<core::exit_cause> end_;               ///< how the process died
};

/// Why `path` cannot be what -p asks for, as far as its name tells; empty: nothing is known.
std::string why_not_preloadable(const std::string& path);

} // namespace einhyrningsins::master
