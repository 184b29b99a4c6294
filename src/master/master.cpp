// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/master.hpp"

#include "core/signal_name.hpp"
#include "master/commands/access.hpp"
#include "master/configuration.hpp"
#include "master/logging.hpp"
#include "master/start_failure.hpp"
#include "os/process.hpp"
#include "os/reap.hpp"
#include "os/signals.hpp"
#include "protocol/version.hpp"

#include <boost/algorithm/string/join.hpp>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <utility>

namespace einhyrningsins::master {
namespace {

namespace asio = boost::asio;
using core::severity;

constexpr int control_backlog = 1024;

/// einhorn without a name is known by what it runs.
std::string process_title(const config::settings& wishes) {
    const std::string& name = wishes.master.command_name;
    if (!config::traits_of(wishes.master.personality).titled_by_command)
        return name.empty() ? "" : "einhyrningsins: " + name;
    std::string title = "einhorn:" + (name.empty() ? "" : " " + name);
    if (name.empty())
        for (const std::string& word : wishes.groups[0].command)
            title += " " + word;
    return title;
}

/// Workers of another user connect as anybody may; credentials decide (SPEC section 8).
mode_t control_mode(const config::master_settings& wishes, bool strangers) {
    return wishes.socket_mode.value_or(strangers ? 0666 : 0600);
}

os::unix_socket_options control_options(const config::master_settings& wishes,
                                        const std::string& path, bool strangers,
                                        std::optional<gid_t> operators) {
    return {.path = path,
            .type = SOCK_STREAM,
            .backlog = control_backlog,
            .mode = control_mode(wishes, strangers),
            .group = operators};
}

} // namespace

master::master(asio::io_context& context, config::settings wishes, call how)
    : context_(context),
      settings_(std::move(wishes)),
      call_(std::move(how)),
      started_at_(core::time_point::clock::now()),
      paths_(context),
      logs_(context),
      commands_(*this),
      reload_(
          context, [this] { return snapshot(); },
          [this](auto after) { return hand_over(std::move(after)); }),
      signals_(context) {
    describe_surroundings(os::logical_working_directory(std::getenv("PWD")));
    if (settings_.master.config_file.empty()) check_program();
    enter();
    open_signals();
    lock();
    open_hub();
    open_groups();
    open_control(std::nullopt);
    write_pidfile();
}

master::~master() = default;

void master::describe_surroundings(std::string working_directory) {
    around_.environment = call_.environment;
    around_.working_directory = std::move(working_directory);
    around_.master_pid = os::own_process();
    auto make_absolute = [&](std::string& path) {
        if (!path.empty()) path = os::absolute_path(path, around_.working_directory);
    };
    make_absolute(settings_.master.socket_path);
    make_absolute(settings_.master.lockfile);
    make_absolute(settings_.master.pidfile);
    around_.socket_path = settings_.master.socket_path;
    program_ = os::find_own_program(call_.name, search_path(around_.environment),
                                    around_.working_directory);
    logs_.set_directory(around_.working_directory);
    around_.logs = &logs_;
    around_.adopt = [this](os::unique_fd ours, os::peer who) {
        hub_->adopt(std::move(ours), std::move(who));
    };
    around_.open_control = [this](const config::group_settings& of,
                                  const group_runner::control_source& from) {
        return open_group_control(of, from);
    };
    around_.paths = &paths_;
}

/// Before anything is bound (SPEC section 3).
void master::check_program() const {
    auto wrong = group_runner::check(settings_.groups[0], around_);
    if (wrong) throw start_failure(*wrong);
}

void master::enter() {
    os::raise_descriptor_limit();
    change_niceness();
    if (auto title = process_title(settings_); !title.empty()) os::set_process_title(title);
}

/// einhorn goes on without.
void master::change_niceness() const {
    if (!settings_.master.nice) return;
    auto done = os::set_niceness(*settings_.master.nice);
    if (done) return;
    std::string why = "--nice: " + done.error().message();
    if (!config::traits_of(settings_.master.personality).niceness_is_optional)
        throw start_failure(why);
    log(severity::error, "", why);
}

void master::open_signals() {
    auto fd = os::open_signal_fd();
    if (!fd) throw start_failure(fd.error().message());
    signals_.assign(fd->release());
}

void master::lock() {
    auto held = os::lock_file::acquire(settings_.master.lockfile);
    if (!held) throw start_failure("lock file (--lockfile): " + held.error().message());
    lock_ = std::move(*held);
}

/// A group of a file that cannot start does not stop the others (SPEC section 6).
void master::open_groups() {
    bool from_file = !settings_.master.config_file.empty();
    bool any = false;
    for (config::group_settings& wishes : std::exchange(settings_.groups, {})) {
        add_group(std::make_unique<group_runner>(context_, std::move(wishes), around_));
        auto trouble = groups_.back()->open();
        any = any || !trouble;
        if (!trouble) continue;
        if (!from_file) throw start_failure("--bind " + *trouble);
        log(severity::error, groups_.back()->settings().name,
            *trouble + "; the group is not started");
    }
    if (!any) throw start_failure(settings_.master.config_file + ": no group can be started");
}

void master::add_group(std::unique_ptr<group_runner> runner) {
    runner->on_settled([this, one = runner.get()] { end_if_settled(*one); });
    groups_.push_back(std::move(runner));
}

boost::system::result<reconfiguration, std::string> master::read_file_again() const {
    using answer = boost::system::result<reconfiguration, std::string>;
    if (settings_.master.config_file.empty())
        return answer(
            boost::system::in_place_error,
            "the group is on the command line: there is no file to read again (--config)");
    auto fresh = configure(settings_.master.personality, call_.arguments, around_.environment);
    if (!fresh)
        return answer(boost::system::in_place_error,
                      boost::algorithm::join(fresh.error().complaints, "\n"));
    return reconfiguration::prepare(groups_, fresh->wishes.groups, around_);
}

std::vector<group_runner*> master::carry_out(reconfiguration& what) {
    using enum reconfiguration::fate;
    std::vector<group_runner*> to_upgrade;
    for (reconfiguration::step& next : what.steps()) {
        if (next.what == unchanged) continue;
        log(severity::info, next.name,
            std::string("the file was read again: ") + to_string(next.what));
        group_runner* runner = find_group(groups_, next.name);
        if (next.what == removed) {
            runner->retire();
            continue;
        }
        if (!runner) {
            add_group(std::make_unique<group_runner>(context_, next.wishes, around_));
            runner = groups_.back().get();
        }
        if (runner->reconfigure(next.wishes, std::move(next.listeners), std::move(next.control)) &&
            next.what == upgraded) {
            runner->await_upgrade();
            to_upgrade.push_back(runner);
        }
    }
    keep_wanted_logs();
    sort_groups(what);
    set_control_modes();
    return to_upgrade;
}

void master::keep_wanted_logs() {
    std::vector<const config::group_settings*> wishes;
    for (const auto& runner : groups_)
        if (!runner->is_retired()) wishes.push_back(&runner->settings());
    logs_.keep_only(wishes);
}

/// As the file has them; those that it has no more are at the end.
void master::sort_groups(const reconfiguration& like) {
    auto place = [&](const auto& runner) {
        return std::ranges::find(like.steps(), runner->settings().name,
                                 &reconfiguration::step::name) -
               like.steps().begin();
    };
    std::ranges::stable_sort(groups_, {}, place);
}

void master::open_hub() {
    const std::string& group = settings_.master.socket_group;
    if (!group.empty()) {
        auto found = os::group_id(group);
        if (!found) throw start_failure("--socket-group: " + found.error().message());
        operators_ = *found;
        commands_.set_operators(*found);
    }
    hub_.emplace(context_,
                 [this](control_connection& client, std::optional<std::string_view> line) {
                     commands_.handle(client, line);
                 });
}

void master::open_control(const std::optional<handoff::control_socket>& from) {
    control_.emplace(
        *hub_, control_options(settings_.master, around_.socket_path, has_strangers(), operators_),
        "", from);
}

/// Whether any workers run as another user than this process.
bool master::has_strangers() const {
    return std::ranges::any_of(
        groups_, [](const auto& runner) { return runs_as_another(runner->settings()); });
}

/// As the groups are now.
void master::set_control_modes() {
    control_->change_mode(control_mode(settings_.master, has_strangers()));
    for (const auto& runner : groups_)
        if (runner->control())
            runner->control()->change_mode(
                control_mode(settings_.master, runs_as_another(runner->settings())));
}

std::unique_ptr<control_server>
master::open_group_control(const config::group_settings& of,
                           const group_runner::control_source& from) {
    return std::make_unique<control_server>(*hub_,
                                            control_options(settings_.master,
                                                            control_path(of, around_),
                                                            runs_as_another(of), operators_),
                                            of.name, from);
}

void master::write_pidfile() {
    if (settings_.master.pidfile.empty()) return;
    auto written = os::pid_file::write(settings_.master.pidfile);
    if (!written) throw start_failure("--pidfile: " + written.error().message());
    pidfile_ = std::move(*written);
}

int master::run() {
    log(severity::info, "",
        std::string("einhyrningsins ") + protocol::version + ", pid " +
            std::to_string(around_.master_pid) + ", control socket " + around_.socket_path +
            (taken_over_ ? ", reloaded" : ""));
    await_signals();
    if (taken_over_)
        reap();
    else
        for (const auto& runner : groups_)
            if (runner->trouble().empty()) runner->notice(core::event::open{});
    os::forget_startup_code();
    // What no handler expected, out of memory say, is not to take the workers' master away.
    for (bool ended = false; !ended;) {
        try {
            context_.run();
            ended = true;
        } catch (const std::exception& unexpected) {
            log(severity::error, "", std::string("going on after: ") + unexpected.what());
        }
    }
    logs_.finish();
    return exit_code_;
}

void master::await_signals() {
    signals_.async_wait(asio::posix::stream_descriptor::wait_read,
                        [this](const boost::system::error_code& error) {
                            if (error) return;
                            for (int number : os::read_signals(signals_.native_handle()))
                                on_signal(number);
                            await_signals();
                        });
}

void master::on_signal(int number) {
    if (number == SIGCHLD) return reap();
    log(severity::debug, "", "got " + core::signal_name(number));
    switch (number) {
    case SIGHUP: return upgrade_all();
    case SIGALRM:
        log_deprecation("SIGALRM is deprecated as a request for an upgrade; send SIGHUP");
        return upgrade_all();
    case SIGINT: return stopping_ ? kill_all() : stop(std::nullopt);
    case SIGTERM: return stopping_ ? kill_all() : stop(SIGTERM);
    case SIGUSR2: return stop(std::nullopt);
    case SIGQUIT: return quit();
    default: return forward(number);
    }
}

void master::upgrade_all() {
    if (stopping_) return;
    if (reloads_before_upgrades())
        return reload_for({.upgrade = core::upgrade_mode::rolling}, nullptr);
    for (const auto& runner : groups_)
        runner->request_upgrade(core::upgrade_mode::rolling);
}

void master::forward(int number) {
    for (const auto& runner : groups_)
        runner->notice(core::event::forward{number});
}

void master::stop(std::optional<int> signal) {
    stop_by([&](const group_runner& group) {
        return signal ? core::event::stop{*signal, true}
                      : core::event::stop{group.group().wishes().stop_signal};
    });
}

void master::stop_by(const std::function<core::event::stop(const group_runner&)>& order_for) {
    if (!std::exchange(stopping_, true)) {
        log(severity::info, "", "stopping; again INT or TERM kills the workers");
        reload_.cancel("the master was told to stop");
    }
    for (const auto& runner : groups_)
        runner->notice(order_for(*runner));
}

void master::kill_all() {
    log(severity::warning, "", "killing the workers that are left");
    stop(SIGKILL);
}

/// The signal is out before this process ends: the groups have no other turn.
void master::quit() {
    log(severity::info, "", "SIGQUIT to the workers, and leaving at once");
    for (const auto& runner : groups_)
        for (const core::worker& who : runner->group().workers())
            if (who.pid != 0) os::send_signal(who.pid, SIGQUIT);
    leave(1);
}

void master::reap() {
    for (const os::reaped& one : os::reap_children()) {
        if (found_worker dead = worker_with(groups_, one.pid)) {
            dead.runner->notice(core::event::exited{one.pid, one.cause});
            continue;
        }
        if (reload_.hear(one)) continue;
        for (const auto& runner : groups_)
            runner->notice_stray(one);
    }
    for (const auto& runner : groups_)
        runner->hear_births();
}

/// After each turn of a group: so the others are looked at only if something depends on them.
void master::end_if_settled(const group_runner& settled) {
    using enum core::group_phase;
    auto has_ended = [](const group_runner& one) {
        return one.group().phase() == stopped && one.helpers().empty();
    };
    auto is_hopeless = [](const group_runner& one) {
        return !one.trouble().empty() ||
               (one.group().phase() == given_up && one.group().workers().empty());
    };
    auto are_all = [&](auto what) {
        return what(settled) &&
               std::ranges::all_of(groups_, [&](const auto& runner) { return what(*runner); });
    };
    if (stopping_ && are_all(has_ended)) return leave(exit_code_);
    if (are_all(is_hopeless)) return leave(1);
    if (settled.is_gone()) bury();
}

/// Not now: one of them is in the middle of its turn.
void master::bury() {
    asio::post(context_, [this] {
        std::erase_if(groups_, [](const auto& runner) { return runner->is_gone(); });
        set_control_modes();
    });
}

void master::leave(int exit_code) {
    exit_code_ = exit_code;
    context_.stop();
}

} // namespace einhyrningsins::master
