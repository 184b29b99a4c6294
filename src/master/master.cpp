// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/master.hpp"

#include "core/signal_name.hpp"
#include "handoff/first_state.hpp"
#include "loop/turns.hpp"
#include "master/commands/access.hpp"
#include "master/completion.hpp"
#include "master/configuration.hpp"
#include "master/descriptor_needs.hpp"
#include "master/logging.hpp"
#include "master/start_failure.hpp"
#include "os/low_numbers.hpp"
#include "os/own_process.hpp"
#include "os/reap.hpp"
#include "os/signals.hpp"
#include "os/system_check.hpp"
#include "protocol/version.hpp"

#include <boost/algorithm/string/join.hpp>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <iterator>
#include <utility>

namespace einhyrningsins::master {
namespace {

using core::severity;

constexpr int control_backlog = 1024;
constexpr auto signal_retry = std::chrono::milliseconds(50);
constexpr auto pause_after_failure = std::chrono::seconds(1);

/// einhorn without a name is known by what it runs.
std::string process_title(const handoff::state& from) {
    const std::string& name = from.master.command_name;
    if (!config::traits_of(from.master.personality).titled_by_command)
        return name.empty() ? "" : "einhyrningsins: " + name;
    std::string title = "einhorn:" + (name.empty() ? "" : " " + name);
    if (name.empty())
        for (const std::string& word : from.groups[0].settings.command)
            title += " " + word;
    return title;
}

/// What a user who meets another master can do.
std::string way_out(const config::master_settings& settings) {
    return std::string("; choose another master by ") +
           config::traits_of(settings.personality).place_options;
}

std::string why_no_lock(const config::master_settings& settings, const os::os_error& why) {
    bool is_refused = why.number != 0; // by the system: there is nobody to make way for
    return "lock file (--lockfile): " + why.message() +
           (is_refused ? "; choose another place by --lockfile" : way_out(settings));
}

void require_usable_system() {
    if (auto usable = os::check_system(); !usable) throw start_failure(usable.error().message());
}

void require_descriptors(const handoff::state& from) {
    std::size_t limit = os::descriptor_limit();
    if (auto wrong = why_too_few_descriptors(from, limit - os::free_descriptors(), limit))
        throw start_failure(*wrong);
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

master::master(boost::asio::io_context& context, handoff::state from, call how, beginning kind)
    : context_(context),
      settings_{.master = from.master},
      call_(std::move(how)),
      kind_(kind),
      started_at_(from.started_at),
      paths_(context),
      look_ups_(context, {.threads = 4, .jobs = 100'000}),
      logs_(context, from.working_directory, from.logs),
      files_(context),
      commands_(context, *this),
      reload_(
          context, [this] { return snapshot(); },
          [this](const auto&... words) { return hand_over(words...); },
          [this](auto settled) { settle_logs(std::move(settled)); }),
      reloads_(from.reloads + (is_cold() ? 0 : 1)),
      signal_news_(context, [this] { hear_signals(); }),
      signal_retry_(context, [this] { open_signals(); }),
      reap_(context, [this] { reap(); }),
      bury_(context, [this] { bury(); }) {
    complete(from);
    if (is_cold()) require_usable_system();
    describe_surroundings(from.working_directory);
    step([&] { enter(from); });
    open_signals();
    os::look_ups names = look_up_names(from);
    if (is_cold() && settings_.master.config_file.empty())
        check_program(from.groups[0].settings, names);
    step([&] { hold_lock(from.lock); });
    step([&] { find_operators(from.operators, names); });
    files_.take_over(from.unused_files);
    open_hub();
    add_groups(from.groups);
    if (is_cold()) open_groups(names);
    keep_wanted_logs();
    step([&] { open_control(from.control); });
    step([&] { hold_pidfile(from.pidfile); });
    add_clients(from);
    if (from.last_ran) loop::turns::of(context).continue_from(*from.last_ran);
}

master::~master() = default;

void master::describe_surroundings(std::string working_directory) {
    around_.environment = call_.environment;
    around_.working_directory = std::move(working_directory);
    around_.master_pid = os::own_process();
    around_.keeps_leftovers = config::traits_of(settings_.master.personality).keeps_leftovers;
    auto make_absolute = [&](std::string& path) {
        if (!path.empty()) path = os::absolute_path(path, around_.working_directory);
    };
    make_absolute(settings_.master.socket_path);
    make_absolute(settings_.master.lockfile);
    make_absolute(settings_.master.pidfile);
    around_.socket_path = settings_.master.socket_path;
    program_ = find_own_program();
    around_.logs = &logs_;
    around_.files = &files_;
    around_.adopt = [this](os::unique_fd ours, os::peer who) {
        handoff::connection child{std::move(who)};
        child.worker = child.pid;
        child.inherited = true;
        hub_->serve(std::move(ours), child);
    };
    around_.is_known_child = [this](core::process_id pid) { return is_known_child(pid); };
    around_.may_miss_deaths = [this] { return may_miss_deaths_; };
    around_.workers = &workers_;
    around_.open_control = [this](const config::group_settings& of, bool workers_are_others,
                                  const control_server::source& from) {
        return open_group_control(of, workers_are_others, from);
    };
    around_.paths = &paths_;
    around_.look_ups = &look_ups_;
    around_.users_changed = [this] { set_control_modes(); };
}

/// Decides, for all steps, whether the failure of one ends the program. At a cold start it does, as
/// nothing was spawned yet. After an exec there are workers, which need their master.
void master::step(const std::function<void()>& deed) const {
    try {
        deed();
    } catch (const std::exception& why) {
        if (is_cold()) throw;
        log(severity::error, "", std::string(why.what()) + "; going on without");
    }
}

/// Before anything is bound (SPEC section 3).
void master::check_program(const config::group_settings& of, const os::look_ups& names) const {
    auto wrong = group_runner::check(of, around_, names);
    if (wrong) throw start_failure(*wrong);
}

void master::enter(const handoff::state& from) const {
    if (from.descriptor_limit) os::set_original_descriptor_limit(*from.descriptor_limit);
    os::raise_descriptor_limit();
    if (is_cold()) require_descriptors(from);
    if (auto done = os::adopt_orphans(); !done)
        log(severity::warning, "",
            done.error().message() + "; what workers leave behind is not found");
    if (auto title = process_title(from); !title.empty()) os::set_process_title(title);
    change_niceness();
}

/// An exec keeps it, and whoever has changed it since the start meant it. einhorn goes on without.
void master::change_niceness() const {
    if (!settings_.master.nice || !is_cold()) return;
    auto done = os::set_niceness(*settings_.master.nice);
    if (done) return;
    std::string why = "--nice: " + done.error().message();
    if (!config::traits_of(settings_.master.personality).niceness_is_optional)
        throw start_failure(why);
    log(severity::error, "", why);
}

/// No master goes on without signals: after an exec this is tried until it works. Until then they
/// stay pending.
void master::open_signals() {
    signal_retry_.after(signal_retry); // whatever happens until they are watched
    auto watched = watch_signals();
    if (watched) return signal_retry_.cancel();
    std::string why = "signals: " + watched.error().message();
    if (is_cold()) throw start_failure(why);
    if (!std::exchange(signals_complained_, true))
        log(severity::error, "", why + "; trying again until it works");
}

os::result<void> master::watch_signals() {
    auto fd = os::open_signal_fd();
    if (!fd) return fd.error();
    signals_ = std::move(*fd);
    return signal_news_.watch(signals_.get());
}

void master::hold_lock(const std::optional<handoff::held_file>& from) {
    // One that was just killed holds its lock a little longer.
    auto held = os::lock_file::acquire(settings_.master.lockfile,
                                       std::chrono::milliseconds(is_cold() ? 1000 : 0),
                                       os::unique_fd(from ? from->fd : -1));
    if (!held) throw start_failure(why_no_lock(settings_.master, held.error()));
    lock_ = std::move(*held);
}

/// All that the beginning needs, and the state does not say. A name server or user database may not
/// answer for a long time: until it has, a master that starts can be ended as any other program.
os::look_ups master::look_up_names(const handoff::state& from) const {
    std::vector<os::any_query> wanted;
    if (!settings_.master.socket_group.empty() && !from.operators)
        wanted.push_back(os::query::group{settings_.master.socket_group});
    for (const handoff::group& group : from.groups) {
        if (!is_cold()) break;
        listener_list none;
        std::ranges::move(group_runner::queries_of(group.settings, around_),
                          std::back_inserter(wanted));
        std::ranges::move(queries_of(group.settings, {}, none), std::back_inserter(wanted));
    }
    os::look_ups names;
    names.add(wanted);
    os::block_all_signals();
    return names;
}

void master::add_groups(const std::vector<handoff::group>& from) {
    for (const handoff::group& group : from)
        step([&] { add_group(std::make_unique<group_runner>(context_, group, around_)); });
}

/// A group of a file that cannot start does not stop the others (SPEC section 6).
void master::open_groups(const os::look_ups& names) {
    bool from_file = !settings_.master.config_file.empty();
    bool any = false;
    for (const auto& runner : groups_) {
        auto trouble = runner->open(names);
        any = any || !trouble;
        if (!trouble) continue;
        if (!from_file) throw start_failure("--bind " + *trouble);
        log(severity::error, runner->settings().name, *trouble + "; the group is not started");
    }
    if (!any) throw start_failure(settings_.master.config_file + ": no group can be started");
}

void master::add_group(std::unique_ptr<group_runner> runner) {
    runner->on_settled([this, one = runner.get()] { end_if_settled(*one); });
    groups_.push_back(std::move(runner));
}

boost::system::result<std::vector<config::group_settings>, std::string>
master::read_file_again() const {
    using answer = boost::system::result<std::vector<config::group_settings>, std::string>;
    if (settings_.master.config_file.empty())
        return answer(
            boost::system::in_place_error,
            "the group is on the command line: there is no file to read again (--config)");
    auto fresh = configure(settings_.master.personality, call_.arguments, around_.environment);
    if (!fresh)
        return answer(boost::system::in_place_error,
                      boost::algorithm::join(fresh.error().complaints, "\n"));
    return std::move(fresh->wishes.groups);
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
            add_group(std::make_unique<group_runner>(context_, handoff::first_state(next.wishes),
                                                     around_));
            runner = groups_.back().get();
        }
        if (runner->reconfigure(next.wishes, std::move(next.listeners), std::move(next.control),
                                what.names()) &&
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

/// Members of --socket-group. Its number is looked up once, when the master starts.
void master::find_operators(const std::optional<unsigned>& from, const os::look_ups& names) {
    const std::string& group = settings_.master.socket_group;
    if (from) operators_ = *from;
    if (!from && !group.empty()) {
        auto found = names.of(os::query::group{group});
        if (!found) throw start_failure("--socket-group: " + found.error().message());
        operators_ = *found;
    }
    if (operators_) commands_.set_operators(*operators_);
}

void master::open_hub() { hub_.emplace(context_, commands_, files_); }

void master::open_control(control_server::source from) {
    if (!from && !is_cold()) from.emplace(); // the master before could not make it
    auto options =
        control_options(settings_.master, around_.socket_path, has_strangers(), operators_);
    try {
        control_.emplace(*hub_, std::move(options), "", from);
    } catch (const start_failure& why) {
        throw start_failure(std::string(why.what()) + way_out(settings_.master));
    }
}

/// Whether any workers run as another user than this process.
bool master::has_strangers() const {
    return std::ranges::any_of(groups_,
                               [](const auto& runner) { return runner->runs_as_another(); });
}

/// As the groups are now.
void master::set_control_modes() {
    if (control_) control_->change_mode(control_mode(settings_.master, has_strangers()));
    for (const auto& runner : groups_)
        if (runner->control())
            runner->control()->change_mode(
                control_mode(settings_.master, runner->runs_as_another()));
}

std::unique_ptr<control_server> master::open_group_control(const config::group_settings& of,
                                                           bool workers_are_others,
                                                           const control_server::source& from) {
    return std::make_unique<control_server>(*hub_,
                                            control_options(settings_.master,
                                                            control_path(of, around_),
                                                            workers_are_others, operators_),
                                            of.name, from);
}

void master::hold_pidfile(const std::optional<handoff::held_file>& from) {
    if (settings_.master.pidfile.empty()) return;
    auto written =
        os::pid_file::write(settings_.master.pidfile, os::unique_fd(from ? from->fd : -1));
    if (!written) throw start_failure("--pidfile: " + written.error().message());
    pidfile_ = std::move(*written);
}

int master::run() {
    log(severity::info, "",
        std::string("einhyrningsins ") + protocol::version + ", pid " +
            std::to_string(around_.master_pid) + ", control socket " + around_.socket_path +
            (is_cold() ? "" : ", reloaded"));
    auto& turns = loop::turns::of(context_);
    turns.on_failure([](const std::string& why) { log_unexpected("", why.c_str()); });
    turns.on_stall([this](core::duration length) { on_stall(length); });
    if (is_cold())
        for (const auto& runner : groups_)
            if (runner->trouble().empty()) runner->notice(core::event::open{});
    reap_.at(core::time_point::min()); // another program may have read the signals
    os::wait_for_memory(false);
    os::forget_startup_code();
    // An exception that no handler expected, for want of memory say, does not end the master.
    for (bool ended = false; !ended;) {
        try {
            context_.run();
            ended = true;
        } catch (const std::exception& unexpected) {
            log_unexpected("", unexpected.what());
        } catch (...) {
            log_unexpected("", "an unknown exception");
        }
    }
    commands_.finish();
    hub_->finish();
    logs_.finish();
    return exit_code_;
}

/// What follows from one signal may fail; the others are heard all the same. Deaths are noticed
/// when everything else has been heard, and before any deadline: a worker's ack may still be on its
/// way, and comes before its death (SPEC 7.7).
void master::hear_signals() {
    for (int number : os::read_signals(signals_.get()))
        if (number == SIGCHLD)
            reap_.at(core::time_point::min());
        else
            attempt("", [&] { on_signal(number); });
}

/// Nobody is to blame for what was not done while this process did not run.
void master::on_stall(core::duration length) {
    log(severity::info, "",
        "the master did not run for a while; deadlines of workers are extended by " +
            core::to_string(length));
    for (const auto& runner : groups_)
        runner->notice(core::event::stalled{length});
}

void master::on_signal(int number) {
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
        if (runner->group().can_upgrade())
            runner->request_upgrade({core::upgrade_mode::rolling, {}});
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
        commands_.cancel_config_reloads("the master was told to stop");
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
        runner->send_to_all(SIGQUIT);
    leave(1);
}

/// If part of this fails, for want of memory say, it is tried again until all of it works. A death
/// whose news was lost on the way is noticed by the worker's absence.
void master::reap() {
    bool failed = false;
    auto note = [&](const std::function<void()>& deed) { failed |= attempt("", deed).has_value(); };
    note([&] {
        for (const os::reaped& child : os::reap_children())
            note([&] { hear_death(child); }); // the others are heard all the same
        for (const auto& runner : groups_)
            runner->hear_births();
    });
    if (!failed && !may_miss_deaths_) return;
    may_miss_deaths_ = true;
    reap_.after(pause_after_failure);
    for (const auto& runner : groups_)
        runner->notice_unseen_deaths();
    if (failed) return;
    may_miss_deaths_ = false;
    reap_.cancel();
}

bool master::is_known_child(core::process_id pid) const {
    return workers_.find(pid) || reload_.is_trial(pid) ||
           std::ranges::any_of(groups_, [&](const auto& runner) { return runner->has_child(pid); });
}

void master::hear_death(const os::reaped& child) {
    if (pid_table::entry dead = workers_.find(child.pid)) return dead.runner->notice_death(child);
    if (reload_.hear(child)) return;
    for (const auto& runner : groups_)
        runner->notice_stray(child);
}

/// After each turn of a group: so the others are looked at only if something depends on them.
void master::end_if_settled(const group_runner& settled) {
    using enum core::group_phase;
    auto has_ended = [](const group_runner& one) {
        return one.group().phase() == stopped && one.helpers().empty() && one.left_behind().empty();
    };
    auto is_hopeless = [](const group_runner& one) {
        return !one.trouble().empty() ||
               (one.group().phase() == given_up && one.group().workers().empty() &&
                one.left_behind().empty());
    };
    auto are_all = [&](auto what) {
        return what(settled) &&
               std::ranges::all_of(groups_, [&](const auto& runner) { return what(*runner); });
    };
    if (stopping_ && are_all(has_ended)) return leave(exit_code_);
    if (are_all(is_hopeless)) return leave(1);
    if (settled.is_gone()) bury_.soon(); // it is in the middle of its turn
}

void master::bury() {
    std::erase_if(groups_, [](const auto& runner) { return runner->is_gone(); });
    set_control_modes();
}

void master::leave(int exit_code) {
    exit_code_ = exit_code;
    context_.stop();
}

} // namespace einhyrningsins::master
