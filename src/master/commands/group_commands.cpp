// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/commands/group_commands.hpp"

#include "core/signal_name.hpp"
#include "master/commands/outcome.hpp"
#include "master/logging.hpp"
#include "master/master.hpp"
#include "protocol/status_table.hpp"
#include "protocol/version.hpp"

#include <boost/json/array.hpp>
#include <boost/json/monotonic_resource.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <csignal>

namespace einhyrningsins::master {

namespace json = boost::json;
using core::severity;
using protocol::refusal;
using protocol::reply;
using protocol::verb;

reply group_commands::carry_out(const order& what, const group_selection& groups) {
    switch (what.what) {
    case verb::ehlo: return {"Hi there!"};
    case verb::help: return {protocol::help_text()};
    case verb::version: return {std::string("einhyrningsins ") + protocol::version};
    case verb::status: return status(groups);
    case verb::state: return state(groups);
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
    case verb::upgrade_fleet:
    case verb::reload:
    case verb::reload_config:
    case verb::worker_ack:
    case verb::worker_ping: break;
    }
    std::abort();
}

reply group_commands::status(const group_selection& groups) const {
    json::value data = describe(groups, group_status);
    return {.message = protocol::status_table(data, false), .data = std::move(data)};
}

reply group_commands::state(const group_selection& groups) const {
    json::value data = describe(groups, group_state);
    return {.message = json::serialize(data), .data = std::move(data)};
}

/// A large group takes a lot of memory for a moment: it comes in large blocks, which go back to the
/// system.
json::value group_commands::describe(const group_selection& groups,
                                     decltype(group_status) describe_group) const {
    auto memory = json::make_shared_resource<json::monotonic_resource>();
    auto now = core::time_point::clock::now();
    json::array entries(memory);
    for (const group_runner* runner : groups)
        entries.push_back(describe_group(*runner, now, memory));
    return json::object({{"master", master_status(master_, now)}, {"groups", std::move(entries)}},
                        memory);
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
        if (runner.group().phase() == core::group_phase::running) return {"is running already"};
        if (auto trouble = runner.open()) return {*trouble, false};
        runner.notice(core::event::start{});
        return {"starting " + count_of(runner.group().wishes().number, "worker")};
    });
}

reply group_commands::stop(const order& what, const group_selection& groups) {
    if (master_.is_stopping()) return refusal("the master is stopping");
    return for_each(groups, [&](group_runner& runner) -> outcome {
        std::size_t there = runner.group().processes().size();
        if (what.what == verb::restart) {
            if (auto trouble = runner.open()) return {*trouble, false};
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
    return {std::string("logging from ") + level_name(log_level()) + " on"};
}

} // namespace einhyrningsins::master
