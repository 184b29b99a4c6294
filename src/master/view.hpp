// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "config/settings.hpp"
#include "core/group_state.hpp"
#include "core/worker.hpp"
#include "master/commands/access.hpp"
#include "output/log_file.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// A picture of everything that can be shown of a master, as plain data: it is taken in one place,
/// and whatever shows something (the table and the JSON of `status`, einhorn's state, firestarter's
/// answers) renders it and looks at nothing else.
namespace einhyrningsins::master {

class master;

/// What a group is doing, in the words of `status` (SPEC section 8).
enum class group_activity { waiting, running, upgrading, stopping, stopped, given_up };
const char* to_string(group_activity what);
group_activity activity_of(const core::group& group);

/// What a waiting group waits for: its first client, or the end of its warm-up. Empty: it does not
/// wait.
std::string awaited(const core::group& group);

/// A listener as workers see it.
struct listener_view {
    std::string address;
    std::string family; ///< as in EINHORN_FD_FAMILY_n
    std::string name;   ///< as in LISTEN_FDNAMES
    int fd = -1;
};

/// A program besides workers that runs for a group: its upgrader or stop command.
struct helper_view {
    std::string name;
    core::process_id pid = 0;
};

/// A template process (-p).
struct template_view {
    core::generation generation = 0;
    core::process_id pid = 0;
    const char* state = "";
};

struct worker_view {
    core::worker facts;
    std::optional<std::uint64_t> memory_bytes; ///< nothing: not known
};

struct group_view {
    config::group_settings settings;
    core::policy policy; ///< what the group goes by
    group_activity activity = group_activity::stopped;
    std::string waits_for; ///< see awaited(); or what its upgrade waits for before it begins
    std::string trouble;   ///< why the group cannot be started; empty: it can
    core::generation in_service = 0;
    core::generation newest = 0; ///< another one during an upgrade
    unsigned ready = 0;          ///< workers that serve
    unsigned failures = 0;       ///< deaths before an ack, in a row
    std::optional<core::upgrade_progress> upgrade;
    std::size_t upgraded = 0; ///< workers of the newest generation that are ready
    std::optional<core::death> last_death;
    std::optional<core::time_point> running_since;
    std::vector<listener_view> listeners;  ///< that the generation in service has
    std::vector<listener_view> configured; ///< that the settings ask for
    std::vector<helper_view> helpers;
    std::vector<output::log_status> logs;
    std::vector<template_view> templates;
    std::vector<worker_view> workers; ///< that have a process, in the order of their index
};

struct master_view {
    config::master_settings settings;
    core::process_id pid = 0;
    std::string control_socket;
    core::time_point taken_at;
    core::time_point started_at;
    std::uint64_t reloads = 0; ///< that there have been
    core::severity log_level = core::severity::info;
    bool is_stopping = false;
    std::string trouble; ///< why it cannot do all that it is asked for; empty: it can
    std::vector<group_view> groups;
};

group_view take_view(const group_runner& of);
master_view take_view(const master& of, const group_selection& groups);

/// The processes of all workers in it.
std::vector<core::process_id> processes(const group_view& of);

} // namespace einhyrningsins::master
