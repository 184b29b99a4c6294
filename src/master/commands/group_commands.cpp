// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/commands/group_commands.hpp"

#include "core/signal_name.hpp"
#include "master/commands/outcome.hpp"
#include "master/commands/status.hpp"
#include "master/logging.hpp"
#include "master/master.hpp"
#include "master/view.hpp"
#include "protocol/json_text.hpp"
#include "protocol/status_table.hpp"
#include "protocol/version.hpp"

#include <boost/json/array.hpp>

#include <algorithm>
#include <csignal>
#include <iterator>

namespace einhyrningsins::master {

namespace json = boost::json;
using core::severity;
using protocol::refusal;
using protocol::reply;
using protocol::verb;

std::optional<reply> group_commands::carry_out(const order& what, const protocol::request& asked,
                                               const group_selection& groups, const audience& who) {
    switch (what.what) {
    case verb::ehlo: return reply{"Hi there!"};
    case verb::help: return reply{protocol::help_text()};
    case verb::version: return reply{std::string("einhyrningsins ") + protocol::version};
    case verb::status:
    case verb::state: return show(what, asked.wants_data, groups, who), std::nullopt;
    case verb::list: return list(groups);
    case verb::inc:
    case verb::dec:
    case verb::set_workers: return resize(what, groups);
    case verb::start: return start(groups);
    case verb::stop:
    case verb::restart: return stop(what, groups);
    case verb::killall: return forward({SIGKILL}, groups);
    case verb::signal: return forward(what.signals, groups);
    case verb::die: return die(what);
    case verb::config: return change(what, groups);
    case verb::louder: return change_level(-1);
    case verb::quieter: return change_level(+1);
    case verb::upgrade:
    case verb::upgrade_fleet: return upgrades_.upgrade(what, groups, who);
    case verb::reload: return upgrades_.reload(who);
    case verb::reload_config: return upgrades_.reload_config(who);
    case verb::worker_ack:
    case verb::worker_ping: break; // see control_commands::hear_worker()
    }
    std::abort();
}

void group_commands::upgrade_after_reload(const handoff::request& what,
                                          const group_selection& groups,
                                          std::shared_ptr<control_connection> client) {
    upgrades_.upgrade_after_reload(what, groups, std::move(client));
}

/// Answers when it is known how much memory the workers use. Until then nothing else is answered at
/// the same connection.
void group_commands::show(const order& what, bool wants_data, const group_selection& groups,
                          const audience& who) {
    std::vector<core::process_id> workers;
    for (const group_runner* runner : groups)
        std::ranges::copy(runner->group().processes(), std::back_inserter(workers));
    auto answer = [this, what, wants_data, client = who.client.shared_from_this(), id = who.id,
                   spoken = &who.spoken, turn = who.client.postpone()](const auto& memory) {
        reply said = describe(what, memory);
        if (!wants_data) said.data.reset();
        tell({*client, id, *spoken}, said);
    };
    memory_.take(std::move(workers), std::move(answer));
}

reply group_commands::describe(const order& what, const memory_survey::sizes& memory) const {
    auto groups = select_named(master_.groups(), what.group);
    if (groups.empty()) return refusal(no_such_group(master_.groups(), what.group));
    master_view view = take_view(master_, groups);
    for (group_view& group : view.groups)
        for (worker_view& worker : group.workers)
            if (auto known = memory.find(worker.facts.pid); known != memory.end())
                worker.memory_bytes = known->second;
    bool is_state = what.what == verb::state;
    json::value data = is_state ? state_data(view) : status_data(view);
    return {.message = is_state ? protocol::json_text(data) : protocol::status_table(data, false),
            .data = std::move(data)};
}

reply group_commands::list(const group_selection& groups) const {
    reply names;
    json::array data;
    for (const group_runner* runner : groups) {
        names.message += (names.message.empty() ? "" : "\n") + runner->settings().name;
        data.emplace_back(runner->settings().name);
    }
    names.data = std::move(data);
    return names;
}

reply group_commands::resize(const order& what, const group_selection& groups) {
    for (const group_runner* runner : groups)
        if (unsigned wanted = wanted_number(what, *runner);
            wanted < 1 || wanted > config::most_workers)
            return refusal(runner->settings().name + ": a group has 1 to " +
                           std::to_string(config::most_workers) + " workers; 'stop' ends them all");
    return for_each(groups, [&](group_runner& runner) -> outcome {
        unsigned before = worker_number(runner);
        set_worker_number(runner, wanted_number(what, runner));
        return {std::to_string(before) + " -> " + count_of(worker_number(runner), "worker")};
    });
}

reply group_commands::start(const group_selection& groups) {
    if (master_.is_stopping()) return refusal("the master is stopping");
    return for_each(groups, [](group_runner& runner) -> outcome {
        if (runner.is_retired()) return {std::string("left alone: it is ") + being_removed};
        if (runner.group().phase() == core::group_phase::running) return {"is already running"};
        auto opened = open_to_start(runner);
        if (!opened) return {opened.error(), false};
        if (!*opened) return {starts_later};
        runner.notice(core::event::start{});
        return {"starting " + count_of(runner.group().wishes().number, "worker")};
    });
}

reply group_commands::stop(const order& what, const group_selection& groups) {
    if (master_.is_stopping()) return refusal("the master is stopping");
    return for_each(groups, [&](group_runner& runner) -> outcome {
        std::size_t there = runner.group().processes().size();
        if (what.what == verb::restart) {
            if (runner.is_retired()) return {std::string("left alone: it is ") + being_removed};
            auto opened = open_to_start(runner);
            if (!opened) return {opened.error(), false};
            if (!*opened) return {starts_later};
            runner.notice(core::event::restart{});
            std::string first =
                there > 0 ? "stopping " + count_of(there, "worker") + ", then " : "";
            return {first + "starting " + count_of(worker_number(runner), "worker")};
        }
        runner.notice(core::event::stop{runner.group().wishes().stop_signal});
        return {"stopping " + count_of(there, "worker")};
    });
}

reply group_commands::forward(const std::vector<int>& signals, const group_selection& groups) {
    return for_each(groups, [&](group_runner& runner) -> outcome {
        std::string names;
        for (int signal : signals) {
            runner.notice(core::event::forward{signal});
            names += (names.empty() ? "" : ", ") + core::signal_name(signal);
        }
        return {names + " sent to " + count_of(runner.group().processes().size(), "worker")};
    });
}

reply group_commands::die(const order& what) {
    std::optional<int> signal;
    if (!what.signals.empty()) signal = what.signals[0];
    master_.stop(signal);
    return {"stopping: " + (signal ? core::signal_name(*signal) : std::string("the stop signal")) +
            " to all workers, and the master ends with the last one"};
}

reply group_commands::change(const order& what, const group_selection& groups) {
    if (auto wrong = change_options(groups, what.changes)) return refusal(*wrong);
    return for_each(groups, [&](const group_runner&) -> outcome {
        return {count_of(what.changes.size(), "option") + " changed"};
    });
}

reply group_commands::change_level(int steps) {
    int level = std::clamp(static_cast<int>(log_level()) + steps, static_cast<int>(severity::debug),
                           static_cast<int>(severity::error));
    set_log_level(static_cast<severity>(level));
    return {std::string("the log level is ") + level_name(log_level())};
}

} // namespace einhyrningsins::master
