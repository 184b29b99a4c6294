// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/commands/status.hpp"

#include "core/signal_name.hpp"
#include "protocol/version.hpp"

#include <boost/json/array.hpp>
#include <boost/json/monotonic_resource.hpp>
#include <boost/json/object.hpp>

#include <variant>

namespace einhyrningsins::master {
namespace {

namespace json = boost::json;

/// Seconds with milliseconds.
double seconds(core::duration length) {
    using namespace std::chrono;
    return static_cast<double>(duration_cast<milliseconds>(length).count()) / 1000;
}

json::value text_or_null(const std::string& text) {
    return text.empty() ? json::value(nullptr) : json::value(text);
}

json::value number_or_null(const auto& value) {
    return value ? json::value(*value) : json::value(nullptr);
}

json::array words(const std::vector<std::string>& all) {
    return json::array(all.begin(), all.end());
}

json::value upgrade_data(const group_view& group) {
    if (!group.upgrade) return nullptr;
    return json::object{{"mode", to_string(group.upgrade->mode)},
                        {"generation", group.newest},
                        {"acked", group.upgraded},
                        {"of", group.policy.number}};
}

json::value death_data(const group_view& group) {
    if (!group.last_death) return nullptr;
    return json::object{{"pid", group.last_death->pid},
                        {"cause", to_string(group.last_death->cause)},
                        {"age_s", seconds(group.last_death->age)},
                        {"generation", group.last_death->generation}};
}

json::array helper_data(const group_view& group) {
    json::array all;
    for (const helper_view& one : group.helpers)
        all.push_back(json::object{{"name", one.name}, {"pid", one.pid}});
    return all;
}

json::array listener_data(const group_view& group) {
    json::array all;
    for (const listener_view& one : group.listeners)
        all.push_back(json::object{{"address", one.address}, {"fd", one.fd}, {"name", one.name}});
    return all;
}

json::array log_data(const group_view& group, const json::storage_ptr& memory) {
    json::array all(memory);
    for (const output::log_status& one : group.logs) {
        all.push_back(json::object{{"path", one.path},
                                   {"bytes", one.count.bytes},
                                   {"rotations", one.count.rotations},
                                   {"errors", one.count.errors},
                                   {"dropped_bytes", one.count.dropped},
                                   {"pending_bytes", one.pending},
                                   {"failing", one.failing},
                                   {"last_error", text_or_null(one.count.last_error)}});
    }
    return all;
}

json::object worker_status(const worker_view& view, core::time_point now,
                           const json::storage_ptr& memory) {
    const core::worker& worker = view.facts;
    json::object data({{"pid", worker.pid},
                       {"index", worker.index},
                       {"generation", worker.generation},
                       {"state", to_string(worker.state)},
                       {"age_s", seconds(now - worker.since)},
                       {"restarts", worker.restarts},
                       {"memory_bytes", number_or_null(view.memory_bytes)}},
                      memory);
    if (worker.pinged_at) {
        data["pinged_s_ago"] = seconds(now - *worker.pinged_at);
        data["ping_request_id"] = worker.ping_id;
    }
    return data;
}

json::object worker_state(const worker_view& view, core::time_point now,
                          const json::storage_ptr& memory) {
    const core::worker& worker = view.facts;
    json::object data = worker_status(view, now, memory);
    data["id"] = static_cast<std::uint64_t>(worker.id);
    if (worker.acked_at) data["acked_after_s"] = seconds(*worker.acked_at - worker.since);
    if (!worker.active()) {
        // Nothing for a worker that the stop command has to see to.
        if (worker.told.signal) data["last_signal"] = core::signal_name(worker.told.signal);
        data["last_signaled_s_ago"] = seconds(now - worker.told.at);
    }
    return data;
}

json::array worker_data(const group_view& group, core::time_point now,
                        const json::storage_ptr& memory, decltype(worker_status) describe) {
    json::array all(memory);
    for (const worker_view& one : group.workers)
        all.push_back(describe(one, now, memory));
    return all;
}

json::object ack_data(const core::ack_policy& ack) {
    if (auto* timer = std::get_if<core::ack_timer>(&ack))
        return {{"mode", "timer"}, {"survive", seconds(timer->survive)}};
    if (auto* manual = std::get_if<core::ack_manual>(&ack))
        return {{"mode", "manual"}, {"timeout", seconds(manual->timeout)}};
    if (auto* notify = std::get_if<core::ack_notify>(&ack))
        return {{"mode", "notify"}, {"timeout", seconds(notify->timeout)}};
    return {{"mode", "none"}};
}

json::array template_data(const group_view& group) {
    json::array all;
    for (const template_view& one : group.templates)
        all.push_back(
            json::object{{"generation", one.generation}, {"pid", one.pid}, {"state", one.state}});
    return all;
}

json::object config_data(const group_view& group) {
    const core::policy& policy = group.policy;
    return {{"command", words(group.settings.command)},
            {"number", policy.number},
            {"ack", ack_data(policy.ack)},
            {"retries", number_or_null(policy.retries)},
            {"seconds", seconds(policy.seconds)},
            {"stop_signal", core::signal_name(policy.stop_signal)},
            {"signal_timeout", seconds(policy.signal_timeout)},
            {"max_unacked", policy.max_unacked},
            {"max_upgrade_additional", number_or_null(policy.max_upgrade_additional)},
            {"preload", group.settings.preload},
            {"drop_env_var", words(group.settings.drop_variables)}};
}

json::object master_data(const master_view& view) {
    return {{"pid", view.pid},
            {"version", protocol::version},
            {"uptime_s", seconds(view.taken_at - view.started_at)},
            {"control_socket", view.control_socket},
            {"trouble", text_or_null(view.trouble)}};
}

json::object group_status(const group_view& group, core::time_point now,
                          const json::storage_ptr& memory) {
    return json::object({{"name", group.settings.name},
                         {"state", to_string(group.activity)},
                         {"generation", group.in_service},
                         {"target", group.policy.number},
                         {"ready", group.ready},
                         {"listeners", listener_data(group)},
                         {"upgrade", upgrade_data(group)},
                         {"deaths_before_ack", group.failures},
                         {"last_death", death_data(group)},
                         {"trouble", text_or_null(group.trouble)},
                         {"waits_for", text_or_null(group.waits_for)},
                         {"helpers", helper_data(group)},
                         {"logs", log_data(group, memory)},
                         {"workers", worker_data(group, now, memory, worker_status)}},
                        memory);
}

json::object group_state(const group_view& group, core::time_point now,
                         const json::storage_ptr& memory) {
    json::object data = group_status(group, now, memory);
    data["workers"] = worker_data(group, now, memory, worker_state);
    data["config"] = config_data(group);
    if (!group.settings.preload.empty()) data["templates"] = template_data(group);
    return data;
}

/// A large group takes a lot of memory for a moment: it comes in large blocks, which go back to the
/// system.
json::value data_of(const master_view& view, decltype(group_status) describe) {
    auto memory = json::make_shared_resource<json::monotonic_resource>();
    json::array groups(memory);
    for (const group_view& one : view.groups)
        groups.push_back(describe(one, view.taken_at, memory));
    return json::object({{"master", master_data(view)}, {"groups", std::move(groups)}}, memory);
}

} // namespace

json::value status_data(const master_view& view) { return data_of(view, group_status); }
json::value state_data(const master_view& view) { return data_of(view, group_state); }

} // namespace einhyrningsins::master
