// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/commands/status.hpp"

#include "core/signal_name.hpp"
#include "master/master.hpp"
#include "os/process.hpp"
#include "protocol/version.hpp"

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <variant>

namespace einhyrningsins::master {
namespace {

namespace json = boost::json;

/// Seconds with milliseconds.
double seconds(core::duration length) {
    using namespace std::chrono;
    return static_cast<double>(duration_cast<milliseconds>(length).count()) / 1000;
}

json::value upgrade_status(const core::group& group) {
    if (!group.upgrade()) return nullptr;
    auto acked = std::ranges::count_if(group.workers(), [&](const core::worker& who) {
        return who.generation == group.current().generation &&
               who.state == core::worker_state::ready;
    });
    return json::object{{"mode", to_string(group.upgrade()->mode)},
                        {"generation", group.current().generation},
                        {"acked", acked},
                        {"of", group.wishes().number}};
}

json::value last_death(const core::group& group) {
    if (!group.last_death()) return nullptr;
    const core::death& last = *group.last_death();
    return json::object{{"pid", last.pid},
                        {"cause", to_string(last.cause)},
                        {"age_s", seconds(last.age)},
                        {"generation", last.generation}};
}

json::value text_or_null(const std::string& text) {
    return text.empty() ? json::value(nullptr) : json::value(text);
}

/// Other programs than workers that run for the group.
json::array helpers(const group_runner& runner) {
    json::array result;
    for (const helper_process* one : runner.helpers())
        result.push_back(json::object{{"name", one->name()}, {"pid", one->pid()}});
    return result;
}

json::array listeners(const group_runner& runner) {
    json::array result;
    int fd = 3;
    for (const auto& one : runner.listeners_in_service()) {
        const std::string& name = one->open.name;
        result.push_back(json::object{{"address", one->open.address},
                                      {"fd", fd++},
                                      {"name", name.empty() ? runner.settings().name : name}});
    }
    return result;
}

json::array logs(const group_runner& runner, const json::storage_ptr& memory) {
    json::array result(memory);
    for (const output::log_status& one : runner.logs()) {
        result.push_back(json::object{{"path", one.path},
                                      {"bytes", one.count.bytes},
                                      {"rotations", one.count.rotations},
                                      {"errors", one.count.errors},
                                      {"dropped_bytes", one.count.dropped},
                                      {"pending_bytes", one.pending},
                                      {"failing", one.failing},
                                      {"last_error", text_or_null(one.count.last_error)}});
    }
    return result;
}

json::object worker_status(const core::worker& who, core::time_point now,
                           const json::storage_ptr& memory) {
    json::object result({{"pid", who.pid},
                         {"index", who.index},
                         {"generation", who.generation},
                         {"state", to_string(who.state)},
                         {"age_s", seconds(now - who.since)},
                         {"restarts", who.restarts},
                         {"memory_bytes", os::memory_bytes(who.pid)}},
                        memory);
    if (who.pinged_at) {
        result["pinged_s_ago"] = seconds(now - *who.pinged_at);
        result["ping_request_id"] = who.ping_id;
    }
    return result;
}

json::object worker_state(const core::worker& who, core::time_point now,
                          const json::storage_ptr& memory) {
    json::object result = worker_status(who, now, memory);
    result["id"] = static_cast<std::uint64_t>(who.id);
    if (who.acked_at) result["acked_after_s"] = seconds(*who.acked_at - who.since);
    if (!who.active()) {
        // Nothing for a worker that the stop command has to see to.
        if (who.told.signal) result["last_signal"] = core::signal_name(who.told.signal);
        result["last_signaled_s_ago"] = seconds(now - who.told.at);
    }
    return result;
}

/// In the order of their index. A worker that has not been spawned yet is no process to show.
json::array workers(const core::group& group, core::time_point now, const json::storage_ptr& memory,
                    decltype(worker_status) describe) {
    json::array result(memory);
    std::vector<const core::worker*> sorted;
    for (const core::worker& who : group.workers())
        if (who.pid != 0) sorted.push_back(&who);
    std::ranges::sort(sorted, {}, &core::worker::index);
    for (const core::worker* who : sorted)
        result.push_back(describe(*who, now, memory));
    return result;
}

json::object ack_policy(const core::ack_policy& ack) {
    if (auto* timer = std::get_if<core::ack_timer>(&ack))
        return {{"mode", "timer"}, {"survive", seconds(timer->survive)}};
    if (auto* manual = std::get_if<core::ack_manual>(&ack))
        return {{"mode", "manual"}, {"timeout", seconds(manual->timeout)}};
    if (auto* notify = std::get_if<core::ack_notify>(&ack))
        return {{"mode", "notify"}, {"timeout", seconds(notify->timeout)}};
    return {{"mode", "none"}};
}

/// The template processes (-p).
json::array templates(const group_runner& runner) {
    json::array result;
    for (const auto& [generation, one] : runner.preloads())
        result.push_back(json::object{
            {"generation", generation}, {"pid", one->pid()}, {"state", one->state_name()}});
    return result;
}

json::value optional_number(const std::optional<unsigned>& value) {
    return value ? json::value(*value) : json::value(nullptr);
}

json::object config(const group_runner& runner) {
    const core::policy& wishes = runner.group().wishes();
    return {{"command",
             json::array(runner.settings().command.begin(), runner.settings().command.end())},
            {"number", wishes.number},
            {"ack", ack_policy(wishes.ack)},
            {"retries", optional_number(wishes.retries)},
            {"seconds", seconds(wishes.seconds)},
            {"stop_signal", core::signal_name(wishes.stop_signal)},
            {"signal_timeout", seconds(wishes.signal_timeout)},
            {"max_unacked", wishes.max_unacked},
            {"max_upgrade_additional", optional_number(wishes.max_upgrade_additional)},
            {"preload", runner.settings().preload},
            {"drop_env_var", json::array(runner.settings().drop_variables.begin(),
                                         runner.settings().drop_variables.end())}};
}

} // namespace

const char* state_name(const core::group& group) {
    if (group.upgrade()) return "upgrading";
    switch (group.phase()) {
    case core::group_phase::waiting: return "waiting";
    case core::group_phase::running: return "running";
    case core::group_phase::stopping: return "stopping";
    case core::group_phase::given_up: return "given_up";
    case core::group_phase::stopped: break;
    }
    return "stopped";
}

std::string awaited(const core::group& group) {
    if (group.phase() != core::group_phase::waiting) return {};
    return group.awaits_demand() ? "its first client" : "the end of its warm-up";
}

json::object master_status(const master& everything, core::time_point now) {
    return {{"pid", everything.around().master_pid},
            {"version", protocol::version},
            {"uptime_s", seconds(now - everything.started_at())},
            {"control_socket", everything.around().socket_path}};
}

json::object group_status(const group_runner& runner, core::time_point now,
                          const json::storage_ptr& memory) {
    const core::group& group = runner.group();
    return json::object({{"name", runner.settings().name},
                         {"state", state_name(group)},
                         {"generation", group.upgrade() ? group.upgrade()->previous.generation
                                                        : group.current().generation},
                         {"target", group.wishes().number},
                         {"ready", group.capacity()},
                         {"listeners", listeners(runner)},
                         {"upgrade", upgrade_status(group)},
                         {"deaths_before_ack", group.current().failures},
                         {"last_death", last_death(group)},
                         {"trouble", text_or_null(runner.trouble())},
                         {"waits_for", text_or_null(awaited(group))},
                         {"helpers", helpers(runner)},
                         {"logs", logs(runner, memory)},
                         {"workers", workers(group, now, memory, worker_status)}},
                        memory);
}

json::object group_state(const group_runner& runner, core::time_point now,
                         const json::storage_ptr& memory) {
    json::object result = group_status(runner, now, memory);
    result["workers"] = workers(runner.group(), now, memory, worker_state);
    result["config"] = config(runner);
    if (!runner.settings().preload.empty()) result["templates"] = templates(runner);
    return result;
}

} // namespace einhyrningsins::master
