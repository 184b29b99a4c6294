// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "handoff/state.hpp"

#include <array>
#include <concepts>
#include <type_traits>

/// The members of every struct that is handed over, under the names that they have in the JSON: one
/// list for writing and reading. `it` may be const.
namespace einhyrningsins::handoff {

template <class T, class U>
concept is = std::same_as<std::remove_const_t<T>, U>;

// Enumerations: the names of their values, in their order.

inline auto names_of(config::personality) {
    return std::array{"einhyrningsins", "einhorn", "firestarter"};
}
inline auto names_of(config::log_format) { return std::array{"text", "json"}; }
inline auto names_of(config::verbosity) { return std::array{"quiet", "normal", "verbose"}; }
inline auto names_of(config::ip_family) { return std::array{"any", "v4", "v6"}; }
inline auto names_of(core::severity) { return std::array{"debug", "info", "warning", "error"}; }
inline auto names_of(core::upgrade_mode) { return std::array{"rolling", "fleet"}; }
inline auto names_of(core::worker_state) { return std::array{"starting", "ready", "stopping"}; }
inline auto names_of(core::restart_policy) { return std::array{"never", "on_failure", "always"}; }
inline auto names_of(core::haste) { return std::array{"patient", "hurried"}; }
inline auto names_of(core::group_phase) {
    return std::array{"stopped", "waiting", "running", "stopping", "given_up"};
}
inline auto names_of(core::exit_cause::kind_type) {
    return std::array{"exited", "signaled", "unknown"};
}

// The core's

void fields(auto&& each, is<core::policy> auto& it) {
    each("number", it.number);
    each("ack", it.ack);
    each("retries", it.retries);
    each("seconds", it.seconds);
    each("stop_signal", it.stop_signal);
    each("signal_timeout", it.signal_timeout);
    each("kill_at_timeout", it.kill_at_timeout);
    each("max_unacked", it.max_unacked);
    each("max_upgrade_additional", it.max_upgrade_additional);
    each("restart", it.restart);
    each("on_demand", it.on_demand);
    each("warmup", it.warmup);
    each("live_check", it.live_check);
    each("stop_command", it.stop_command);
}

void fields(auto&& each, is<core::exit_cause> auto& it) {
    each("kind", it.kind);
    each("number", it.number);
    each("core_dumped", it.core_dumped);
}

void fields(auto&& each, is<core::dismissal> auto& it) {
    each("signal", it.signal);
    each("at", it.at);
    each("how", it.how);
}

void fields(auto&& each, is<core::worker> auto& it) {
    each("id", it.id);
    each("index", it.index);
    each("generation", it.generation);
    each("state", it.state);
    each("pid", it.pid);
    each("spawn_requested", it.spawn_requested);
    each("restarts", it.restarts);
    each("since", it.since);
    each("spoke", it.spoke);
    each("overdue", it.overdue);
    each("told", it.told);
    each("acked_at", it.acked_at);
    each("touched_at", it.touched_at);
    each("pinged_at", it.pinged_at);
    each("ping_id", it.ping_id);
}

void fields(auto&& each, is<core::lineage> auto& it) {
    each("generation", it.generation);
    each("proven", it.proven);
    each("failures", it.failures);
    each("scarcities", it.scarcities);
    each("rapid_deaths", it.rapid_deaths);
    each("ended", it.ended);
    each("unstartable_told", it.unstartable_told);
    each("not_before", it.not_before);
    each("wait_untold", it.wait_untold);
}

void fields(auto&& each, is<core::failure> auto& it) {
    each("pid", it.pid);
    each("index", it.index);
    each("cause", it.cause);
    each("age", it.age);
}

void fields(auto&& each, is<core::upgrade_progress> auto& it) {
    each("mode", it.mode);
    each("previous", it.previous);
    each("capacity", it.capacity);
    each("began_at", it.began_at);
    each("spawned", it.spawned);
    each("held", it.held);
    each("again", it.again);
    each("failures", it.failures);
}

void fields(auto&& each, is<core::death> auto& it) {
    each("pid", it.pid);
    each("cause", it.cause);
    each("age", it.age);
    each("generation", it.generation);
}

void fields(auto&& each, is<core::group_state> auto& it) {
    each("wishes", it.wishes);
    each("phase", it.phase);
    each("opened_at", it.opened_at);
    each("demanded", it.demanded);
    each("start_again", it.start_again);
    each("workers", it.workers);
    each("current", it.current);
    each("upgrade", it.upgrade);
    each("last_generation", it.last_generation);
    each("last_id", it.last_id);
    each("restarts", it.restarts);
    each("last_death", it.last_death);
}

// The settings

void fields(auto&& each, is<config::group_settings> auto& it) {
    each("name", it.name);
    each("command", it.command);
    each("policy", it.policy);
    each("ack_timeout", it.ack_timeout);
    each("listeners", it.listeners);
    each("server_words", it.server_words);
    each("family", it.family);
    each("backlog", it.backlog);
    each("drop_variables", it.drop_variables);
    each("drops_since", it.drops_since);
    each("command_socket_as_fd", it.command_socket_as_fd);
    each("kill_children_on_exit", it.kill_children_on_exit);
    each("worker_nice", it.worker_nice);
    each("preload", it.preload);
    each("working_directory", it.working_directory);
    each("environment", it.environment);
    each("variable_prefix", it.variable_prefix);
    each("user", it.user);
    each("group", it.group);
    each("stdout_log", it.stdout_log);
    each("stderr_log", it.stderr_log);
    each("stop_command", it.stop_command);
    each("auto_upgrade", it.auto_upgrade);
    each("upgrader", it.upgrader);
    each("upgrader_timeout", it.upgrader_timeout);
    each("upgrader_interval", it.upgrader_interval);
    each("control_socket", it.control_socket);
}

void fields(auto&& each, is<config::master_settings> auto& it) {
    each("personality", it.personality);
    each("command_name", it.command_name);
    each("socket_path", it.socket_path);
    each("socket_mode", it.socket_mode);
    each("socket_group", it.socket_group);
    each("pidfile", it.pidfile);
    each("lockfile", it.lockfile);
    each("nice", it.nice);
    each("syslog", it.syslog);
    each("log_format", it.log_format);
    each("verbosity", it.verbosity);
    each("reexec_as", it.reexec_as);
    each("config_file", it.config_file);
}

// The shell's

void fields(auto&& each, is<socket_file> auto& it) {
    each("path", it.path);
    each("device", it.device);
    each("inode", it.inode);
}

void fields(auto&& each, is<listener> auto& it) {
    each("fd", it.fd);
    each("address", it.address);
    each("family", it.family);
    each("server_starter_key", it.server_starter_key);
    each("name", it.name);
    each("file", it.file);
    each("spec", it.spec);
}

void fields(auto&& each, is<identity> auto& it) {
    each("user", it.user);
    each("group", it.group);
    each("groups", it.groups);
}

void fields(auto&& each, is<recipe> auto& it) {
    each("generation", it.generation);
    each("program", it.program);
    each("arguments", it.arguments);
    each("environment", it.environment);
    each("directory", it.directory);
    each("nice", it.nice);
    each("die_with_parent", it.die_with_parent);
    each("descriptors", it.descriptors);
    each("identity", it.identity);
    each("indexed_entry", it.indexed_entry);
}

void fields(auto&& each, is<notify_socket> auto& it) {
    each("fd", it.fd);
    each("address", it.address);
}

void fields(auto&& each, is<birth_wish> auto& it) {
    each("id", it.id);
    each("index", it.index);
    each("control", it.control);
}

void fields(auto&& each, is<stray> auto& it) {
    each("pid", it.pid);
    each("cause", it.cause);
}

void fields(auto&& each, is<preload> auto& it) {
    each("generation", it.generation);
    each("pid", it.pid);
    each("fd", it.fd);
    each("path", it.path);
    each("loaded", it.loaded);
    each("doomed", it.doomed);
    each("doom", it.doom);
    each("asked", it.asked);
    each("waits", it.waits);
    each("strays", it.strays);
}

void fields(auto&& each, is<control_socket> auto& it) {
    each("fd", it.fd);
    each("file", it.file);
}

void fields(auto&& each, is<helper> auto& it) {
    each("pid", it.pid);
    each("output", it.output);
    each("deadline", it.deadline);
    each("told", it.told);
    each("why", it.why);
    each("line", it.line);
    each("lines", it.lines);
    each("dropped", it.dropped);
}

void fields(auto&& each, is<upgrader> auto& it) {
    each("process", it.process);
    each("cancelled", it.cancelled);
    each("asked", it.asked);
    each("next", it.next);
}

void fields(auto&& each, is<program_version> auto& it) {
    each("device", it.device);
    each("inode", it.inode);
    each("size", it.size);
    each("changed_at", it.changed_at);
}

void fields(auto&& each, is<followed_program> auto& it) {
    each("path", it.path);
    each("version", it.version);
    each("changing", it.changing);
}

void fields(auto&& each, is<group> auto& it) {
    each("settings", it.settings);
    each("configured", it.configured);
    each("retired", it.retired);
    each("listeners", it.listeners);
    each("old_listeners", it.old_listeners);
    each("trouble", it.trouble);
    each("state", it.state);
    each("recipes", it.recipes);
    each("notify", it.notify);
    each("preloads", it.preloads);
    each("control", it.control);
    each("running_since", it.running_since);
    each("upgrader", it.upgrader);
    each("stop_command", it.stop_command);
    each("program", it.program);
    each("watch_files", it.watch_files);
    each("made_from", it.made_from);
}

void fields(auto&& each, is<output::counters> auto& it) {
    each("bytes", it.bytes);
    each("rotations", it.rotations);
    each("errors", it.errors);
    each("dropped", it.dropped);
    each("last_error", it.last_error);
}

void fields(auto&& each, is<output::file_state> auto& it) {
    each("spec", it.spec);
    each("fd", it.fd);
    each("began", it.began);
    each("last_writer", it.last_writer);
    each("pending", it.pending);
    each("cut", it.cut);
    each("dropped_before", it.dropped_before);
    each("count", it.count);
}

void fields(auto&& each, is<output::stream_state> auto& it) {
    each("id", it.id);
    each("fd", it.fd);
    each("path", it.path);
    each("partial", it.partial);
}

void fields(auto&& each, is<output::capture_state> auto& it) {
    each("last_id", it.last_id);
    each("files", it.files);
    each("streams", it.streams);
}

void fields(auto&& each, is<connection> auto& it) {
    each("fd", it.fd);
    each("pid", it.pid);
    each("uid", it.uid);
    each("gid", it.gid);
    each("groups", it.groups);
    each("received", it.received);
    each("unsent", it.unsent);
    each("ended", it.ended);
    each("closing", it.closing);
    each("group", it.group);
}

void fields(auto&& each, is<watch> auto& it) {
    each("fd", it.fd);
    each("id", it.id);
    each("einhorn", it.einhorn);
    each("groups", it.groups);
    each("upgraders", it.upgraders);
    each("many", it.many);
    each("ok", it.ok);
    each("outcome", it.outcome);
}

void fields(auto&& each, is<group_watch> auto& it) {
    each("fd", it.fd);
    each("command", it.command);
    each("group", it.group);
    each("before", it.before);
    each("again", it.again);
    each("usual_signal", it.usual_signal);
}

void fields(auto&& each, is<wish> auto& it) {
    each("fd", it.fd);
    each("id", it.id);
    each("einhorn", it.einhorn);
    each("firestarter", it.firestarter);
    each("signal", it.signal);
    each("upgrade", it.upgrade);
    each("groups", it.groups);
}

void fields(auto&& each, is<held_file> auto& it) {
    each("fd", it.fd);
    each("path", it.path);
}

void fields(auto&& each, is<state> auto& it) {
    each("master", it.master);
    each("working_directory", it.working_directory);
    each("started_at", it.started_at);
    each("reloads", it.reloads);
    each("descriptor_limit", it.descriptor_limit);
    each("log_level", it.log_level);
    each("unwritten_log", it.unwritten_log);
    each("lock", it.lock);
    each("pidfile", it.pidfile);
    each("control", it.control);
    each("groups", it.groups);
    each("logs", it.logs);
    each("connections", it.connections);
    each("watches", it.watches);
    each("group_watches", it.group_watches);
    each("wishes", it.wishes);
}

} // namespace einhyrningsins::handoff
