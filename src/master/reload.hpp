// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "handoff/state.hpp"
#include "loop/alarm.hpp"
#include "machine/reload.hpp"
#include "master/control/control_connection.hpp"
#include "os/pinned_program.hpp"
#include "os/reap.hpp"
#include "os/spawn.hpp"

#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace einhyrningsins::master {

/// Replaces the program of the master (SPEC 7.5) as machine::reload decides: first a trial run of
/// the new program, which has to understand the state as it is now, then, if that ends well, the
/// exec. Whatever fails, this program goes on, and those who wait are told why.
class reload {
  public:
    /// What the program is called with, without the words that say what for.
    struct command {
        std::vector<std::string> program;   ///< one word, or those of --reexec-as
        std::vector<std::string> arguments; ///< the words after the program's name
        std::vector<std::string> environment;
        std::string directory;
    };
    /// The state to be handed over, requests() included, in a file of its own.
    using snapshot = std::function<os::result<os::unique_fd>()>;
    /// Executes the new program, whose file is `path`, with the state; returns if that failed.
    using execution = std::function<os::os_error(const command&, const std::string& path)>;

    /// Calls its argument as soon as no log is being written, and has none written until the
    /// argument has returned; if a log file does not answer, calls it with that error. An exec
    /// would wait for a thread that is writing.
    using settling = std::function<void(std::function<void(os::result<void>)>)>;

    reload(boost::asio::io_context& context, snapshot take, execution execute, settling settle);

    /// Requests a reload by `call`, and that the new program does what `asked` says. `client`, if
    /// any, is told if it fails, though not before this returns. A request while a reload is under
    /// way joins it.
    void request(const command& call, handoff::request asked,
                 std::shared_ptr<control_connection> client);

    /// What is still wanted of the new program. Members of it are connections of clients that are
    /// open now: whatever may close one has to come first.
    std::vector<handoff::request> requests() const;

    /// Nothing is to come of it.
    void cancel(const std::string& why);

    bool is_trial(core::process_id pid) const { return pid != 0 && pid == trial_.pid; }
    /// Hears of a child that has ended; returns whether it was the trial run.
    bool hear(const os::reaped& child);

  private:
    struct waiter {
        handoff::request asked;
        std::shared_ptr<control_connection> client;
        std::shared_ptr<void> hold;
    };
    struct trial_run {
        unsigned number = 0; ///< as the machine names it
        pid_t pid = 0;       ///< 0: there is none
        os::unique_fd state; ///< that it is to read
        std::optional<os::pinned_program> program;
    };

    void carry_out(const machine::reload::actions& actions);
    void perform(const machine::reload_action::settle&);
    void perform(const machine::reload_action::begin_trial& action);
    void perform(const machine::reload_action::kill&);
    void perform(const machine::reload_action::announce&);
    void perform(const machine::reload_action::execute&);
    void perform(const machine::reload_action::refuse& action);
    void set_alarm();
    os::result<void> start_trial();
    std::string verdict(const core::exit_cause& end) const;
    std::string time_is_over() const;
    os::os_error execute();
    static std::optional<handoff::request> request_of(const waiter& asker);
    std::string in_words(const os::os_error& why, const std::string& executed) const;
    static void tell_failure(const waiter& refused, const std::string& text);

    snapshot take_;
    execution execute_;
    settling settle_;
    machine::reload machine_;
    loop::alarm alarm_;
    loop::alarm limit_; ///< of the trial run
    std::vector<waiter> waiters_;
    command command_;
    trial_run trial_;
};

} // namespace einhyrningsins::master
