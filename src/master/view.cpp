// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/view.hpp"

#include "master/logging.hpp"
#include "master/master.hpp"

#include <algorithm>

namespace einhyrningsins::master {
namespace {

/// The first descriptor that a worker has for a listener.
constexpr int first_descriptor = 3;

std::vector<listener_view> views_of(const listener_list& listeners, const std::string& group) {
    std::vector<listener_view> views;
    int fd = first_descriptor;
    for (const auto& one : listeners) {
        const auto& facts = one->facts;
        views.push_back(
            {facts.address, facts.family, facts.name.empty() ? group : facts.name, fd++});
    }
    return views;
}

std::vector<helper_view> helpers_of(const group_runner& runner) {
    std::vector<helper_view> views;
    for (const helper_process* one : runner.helpers())
        views.push_back({one->name(), one->pid()});
    return views;
}

std::vector<template_view> templates_of(const group_runner& runner) {
    std::vector<template_view> views;
    for (const auto& [generation, one] : runner.preloads())
        views.push_back({generation, one->pid(), one->state_name()});
    return views;
}

std::vector<worker_view> workers_of(const core::group& group) {
    std::vector<worker_view> views;
    views.reserve(group.workers().size());
    for (const core::worker& worker : group.workers())
        if (worker.has_process()) views.push_back({worker, std::nullopt});
    std::ranges::stable_sort(views, {}, [](const worker_view& one) { return one.facts.index; });
    return views;
}

/// How many workers of the newest generation are ready.
std::size_t upgraded(const core::group& group) {
    return static_cast<std::size_t>(
        std::ranges::count_if(group.workers(), [&](const core::worker& worker) {
            return worker.generation == group.current().generation && worker.is_ready();
        }));
}

} // namespace

const char* to_string(group_activity what) {
    switch (what) {
    case group_activity::waiting: return "waiting";
    case group_activity::running: return "running";
    case group_activity::upgrading: return "upgrading";
    case group_activity::stopping: return "stopping";
    case group_activity::given_up: return "given_up";
    case group_activity::stopped: break;
    }
    return "stopped";
}

group_activity activity_of(const core::group& group) {
    if (group.upgrade()) return group_activity::upgrading;
    switch (group.phase()) {
    case core::group_phase::waiting: return group_activity::waiting;
    case core::group_phase::running: return group_activity::running;
    case core::group_phase::stopping: return group_activity::stopping;
    case core::group_phase::given_up: return group_activity::given_up;
    case core::group_phase::stopped: break;
    }
    return group_activity::stopped;
}

std::string awaited(const core::group& group) {
    if (group.phase() != core::group_phase::waiting) return {};
    return group.awaits_demand() ? "its first client" : "the end of its warm-up";
}

group_view take_view(const group_runner& of) {
    const core::group& group = of.group();
    const auto& upgrade = group.upgrade();
    const std::string& name = of.settings().name;
    bool is_waiting = group.phase() == core::group_phase::waiting;
    return {.settings = of.settings(),
            .policy = group.wishes(),
            .activity = activity_of(group),
            .waits_for = is_waiting ? awaited(group) : of.awaited_by_upgrade(),
            .trouble = of.trouble(),
            .in_service = upgrade ? upgrade->previous.generation : group.current().generation,
            .newest = group.current().generation,
            .ready = group.capacity(),
            .failures = group.current().failures,
            .upgrade = upgrade,
            .upgraded = upgraded(group),
            .last_death = group.last_death(),
            .running_since = of.running_since(),
            .listeners = views_of(of.listeners_in_service(), name),
            .configured = views_of(of.listeners(), name),
            .helpers = helpers_of(of),
            .logs = of.logs(),
            .templates = templates_of(of),
            .workers = workers_of(group)};
}

master_view take_view(const master& of, const group_selection& groups) {
    master_view view{.settings = of.settings().master,
                     .pid = of.around().master_pid,
                     .control_socket = of.around().socket_path,
                     .taken_at = core::time_point::clock::now(),
                     .started_at = of.started_at(),
                     .reloads = of.reloads(),
                     .log_level = log_level(),
                     .is_stopping = of.is_stopping(),
                     .trouble = of.trouble()};
    view.groups.reserve(groups.size());
    for (const group_runner* runner : groups)
        view.groups.push_back(take_view(*runner));
    return view;
}

std::vector<core::process_id> processes(const group_view& of) {
    std::vector<core::process_id> pids;
    for (const worker_view& one : of.workers)
        pids.push_back(one.facts.pid);
    return pids;
}

} // namespace einhyrningsins::master
