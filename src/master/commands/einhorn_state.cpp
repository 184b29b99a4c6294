// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/commands/einhorn_state.hpp"

#include "core/signal_name.hpp"
#include "protocol/json_text.hpp"

#include <boost/json/array.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <ranges>
#include <variant>

namespace einhyrningsins::master {
namespace {

namespace json = boost::json;
using protocol::yaml_string;
using protocol::yaml_text;

/// Nested hashes in the block style of YAML.
class hash_writer {
  public:
    /// `value` is YAML already; nothing: nil.
    void put(const std::string& key, const std::string& value = "") {
        text_ +=
            std::string(2 * depth_, ' ') + key + ":" + (value.empty() ? "" : " ") + value + "\n";
    }
    /// What is put until close() belongs into a hash of its own, which must not be empty.
    void open(const std::string& key, const std::string& tag = "") {
        put(key, tag);
        ++depth_;
    }
    void close() { --depth_; }
    std::string take() { return std::move(text_); }

  private:
    std::string text_ = "---\n";
    std::size_t depth_ = 0;
};

std::string boolean(bool value) { return value ? "true" : "false"; }

std::string seconds(core::duration length) {
    double value = std::chrono::duration<double>(length).count();
    return yaml_text(json::value(std::chrono::floor<std::chrono::seconds>(length) == length
                                     ? json::value(static_cast<std::int64_t>(value))
                                     : json::value(value)));
}

/// A string, or nil for an empty one.
std::string optional_string(const std::string& text) {
    return text.empty() ? "" : yaml_string(text);
}

std::string optional_number(const auto& value) { return value ? std::to_string(*value) : ""; }

std::string list(const std::vector<std::string>& words) {
    return yaml_text(json::array(words.begin(), words.end()));
}

/// A moment of the monotonic clock as a Time of Ruby; nothing: nil.
std::string time(std::optional<core::time_point> when) {
    using namespace std::chrono;
    if (!when) return "";
    auto wall = time_point_cast<milliseconds>(
        system_clock::now() -
        duration_cast<system_clock::duration>(core::time_point::clock::now() - *when));
    std::time_t whole = system_clock::to_time_t(floor<std::chrono::seconds>(wall));
    std::tm parts{};
    gmtime_r(&whole, &parts);
    char date[32], text[64];
    std::strftime(date, sizeof date, "%Y-%m-%d %H:%M:%S", &parts);
    auto fraction = static_cast<int>(wall.time_since_epoch().count() % 1000);
    std::snprintf(text, sizeof text, "%s.%03d000000 +00:00", date, fraction);
    return text;
}

/// einhorn counts versions from 0, we count generations from 1.
unsigned version_of(core::generation generation) { return generation > 0 ? generation - 1 : 0; }

/// A Set of Ruby, of the signal that it was sent last.
void put_signaled(hash_writer& to, const core::worker& worker) {
    to.open(":signaled", "!ruby/object:Set");
    if (worker.active()) {
        to.put("hash", "{}");
    } else {
        std::string name = core::signal_name(worker.told.signal);
        to.open("hash");
        to.put(yaml_string(name.starts_with("SIG") ? name.substr(3) : name), "true");
        to.close();
    }
    to.close();
}

void put_child(hash_writer& to, const core::worker& worker) {
    to.open(std::to_string(worker.pid));
    to.put(":type", ":worker");
    to.put(":version", std::to_string(version_of(worker.generation)));
    to.put(":acked", boolean(worker.acked_at || worker.state == core::worker_state::ready));
    put_signaled(to, worker);
    to.put(":last_signaled_at",
           time(worker.active() ? std::nullopt : std::optional(worker.told.at)));
    to.put(":index", std::to_string(worker.index));
    to.put(":spinup_time", time(worker.since));
    to.put(":pinged_at", time(worker.pinged_at));
    to.put(":pinged_request_id", optional_string(worker.ping_id));
    to.close();
}

void put_children(hash_writer& to, const group_view& group) {
    if (group.workers.empty()) return to.put(":children", "{}");
    to.open(":children");
    for (const worker_view& one : group.workers)
        put_child(to, one.facts);
    to.close();
}

void put_config(hash_writer& to, const group_view& group) {
    to.open(":config");
    to.put(":number", std::to_string(group.policy.number));
    to.put(":backlog", std::to_string(group.settings.backlog));
    to.put(":seconds", seconds(group.policy.seconds));
    to.put(":max_unacked", std::to_string(group.policy.max_unacked));
    to.put(":max_upgrade_additional", optional_number(group.policy.max_upgrade_additional));
    to.close();
}

void put_ack_mode(hash_writer& to, const core::ack_policy& ack) {
    to.open(":ack_mode");
    if (auto* timer = std::get_if<core::ack_timer>(&ack)) {
        to.put(":type", ":timer");
        to.put(":timeout", seconds(timer->survive));
    } else {
        to.put(":type", std::holds_alternative<core::ack_manual>(ack) ? ":manual" : ":notify");
    }
    to.close();
}

json::array flags_of(const config::bind_spec& spec) {
    json::array flags;
    if (spec.reuse_address) flags.emplace_back("r");
    if (spec.non_blocking) flags.emplace_back("n");
    return flags;
}

/// As einhorn has them: [host, port, flags]; a socket that is not of the internet is shown as it
/// was written.
json::array bind_of(const config::bind_spec& spec) {
    if (auto* inet = std::get_if<config::inet_address>(&spec.address))
        return {inet->host, std::to_string(inet->port), flags_of(spec)};
    return {spec.text, nullptr, flags_of(spec)};
}

/// 0 for a socket without a port.
int port_of(const listener_view& listener) {
    int port = 0;
    if (listener.family != "AF_UNIX")
        std::sscanf(listener.address.c_str() + listener.address.rfind(':') + 1, "%d", &port);
    return port;
}

void put_listeners(hash_writer& to, const group_view& group) {
    json::array binds, fds, ports;
    // einhorn does not count those of the program's words among them either.
    unsigned first = group.settings.server_words;
    for (const config::bind_spec& spec : group.settings.listeners | std::views::drop(first))
        binds.push_back(bind_of(spec));
    for (const listener_view& one : group.configured | std::views::drop(first)) {
        fds.emplace_back(one.fd);
        ports.emplace_back(port_of(one));
    }
    to.put(":bind", yaml_text(binds));
    to.put(":bind_fds", yaml_text(fds));
    to.put(":bound_ports", yaml_text(ports));
    to.put(":sockets", "{}");
}

/// When the youngest worker was started; nothing: there is none.
std::optional<core::time_point> last_start(const group_view& group) {
    std::optional<core::time_point> last;
    for (const worker_view& one : group.workers)
        if (!last || one.facts.since > *last) last = one.facts.since;
    return last;
}

void put_progress(hash_writer& to, const group_view& group, bool respawn) {
    const auto& upgrade = group.upgrade;
    to.put(":version", std::to_string(version_of(group.newest)));
    to.put(":upgrading", boolean(upgrade.has_value()));
    to.put(":smooth_upgrade", boolean(upgrade && upgrade->mode == core::upgrade_mode::rolling));
    to.put(":reloading_for_upgrade", "false");
    to.put(":respawn", boolean(respawn));
    to.put(":last_upgraded", time(upgrade ? std::optional(upgrade->began_at) : std::nullopt));
    to.put(":last_spinup", time(last_start(group)));
    to.put(":consecutive_deaths_before_ack", std::to_string(group.failures));
}

void put_worker_settings(hash_writer& to, const config::group_settings& settings,
                         const core::policy& policy) {
    to.put(":cmd", list(settings.command));
    to.put(":orig_cmd", list(settings.command));
    to.put(":kill_children_on_exit", boolean(settings.kill_children_on_exit));
    to.put(":command_socket_as_fd", boolean(settings.command_socket_as_fd));
    to.put(":drop_environment_variables", list(settings.drop_variables));
    bool forever = policy.signal_timeout == core::duration::zero();
    to.put(":signal_timeout", forever ? "" : seconds(policy.signal_timeout));
}

void put_master(hash_writer& to, const master_view& view, const group_view& group) {
    const config::master_settings& settings = view.settings;
    to.put(":cmd_name", optional_string(settings.command_name));
    to.put(":socket_path", yaml_string(view.control_socket));
    to.put(":pidfile", optional_string(settings.pidfile));
    to.put(":lockfile", optional_string(settings.lockfile));
    to.put(":verbosity", std::to_string(std::min(static_cast<int>(view.log_level), 2)));
    to.put(":generation", std::to_string(view.reloads));
    to.put(":reexec_commandline", settings.reexec_as.empty() ? "" : list(settings.reexec_as));
    to.open(":nice");
    to.put(":master", optional_number(settings.nice));
    to.put(":worker", optional_number(group.settings.worker_nice));
    to.close();
}

void put_state(hash_writer& to, const master_view& view, const group_view& group) {
    put_children(to, group);
    put_config(to, group);
    put_progress(to, group, !view.is_stopping);
    put_listeners(to, group);
    put_ack_mode(to, group.policy.ack);
    put_worker_settings(to, group.settings, group.policy);
    put_master(to, view, group);
}

} // namespace

std::string einhorn_state(const master_view& view) {
    hash_writer text;
    text.open(":state");
    put_state(text, view, view.groups.front());
    text.close();
    if (view.groups.size() > 1) {
        text.open(":groups");
        for (const group_view& group : view.groups) {
            text.open(yaml_string(group.settings.name));
            put_state(text, view, group);
            text.close();
        }
        text.close();
    }
    return text.take();
}

} // namespace einhyrningsins::master
