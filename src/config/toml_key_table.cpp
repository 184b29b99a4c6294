// SPDX-License-Identifier: GPL-3.0-or-later
#include "config/toml_key.hpp"

#include "config/number.hpp"
#include "config/quote.hpp"
#include "config/shell_words.hpp"
#include "core/socket_path.hpp"

#include <algorithm>
#include <array>
#include <limits>

namespace einhyrningsins::config {
namespace {

constexpr complaint fine = std::nullopt;

// Most keys store their value in a member of the settings.

template <core::duration group_settings::*member>
complaint seconds(group_settings& into, const std::string& value) {
    return take_seconds(into.*member, value);
}

template <core::duration core::policy::*member>
complaint seconds(group_settings& into, const std::string& value) {
    return take_seconds(into.policy.*member, value);
}

template <std::string group_settings::*member>
complaint word(group_settings& into, const std::string& value) {
    if (value.empty()) return "must not be empty";
    into.*member = value;
    return fine;
}

template <std::vector<std::string> group_settings::*member>
complaint next_word(group_settings& into, const std::string& value) {
    if ((into.*member).empty() && value.empty()) return "the name of the program is empty";
    (into.*member).push_back(value);
    return fine;
}

template <std::optional<log_spec> group_settings::*member>
complaint log(group_settings& into, const std::string& value) {
    auto spec = parse_log_spec(value);
    if (!spec) return spec.error().message;
    into.*member = std::move(*spec);
    return fine;
}

/// Stores the value as the option of that name does.
complaint as_option(const char* name, group_settings& into, const std::string& value) {
    request_kind unasked = request_kind::run;
    master_settings untouched;
    draft as{unasked, untouched, into};
    return find_option(name)->take(as, value);
}

// Keys with rules of their own.

complaint environments(group_settings& into, const std::string& value) {
    if (value.find('=') == value.npos || value.starts_with('='))
        return quote(value) + " does not set a variable; write NAME=VALUE";
    into.environment.push_back(value);
    return fine;
}

complaint control_socket(group_settings& into, const std::string& value) {
    auto wrong = core::complain_of_socket_path(value);
    return wrong ? wrong : word<&group_settings::control_socket>(into, value);
}

complaint variable_prefix(group_settings& into, const std::string& value) {
    if (!is_variable_name(value))
        return quote(value) + " cannot begin the name of a variable; use letters, digits and '_'";
    into.variable_prefix = value;
    return fine;
}

complaint numprocesses(group_settings& into, const std::string& value) {
    return as_option("number", into, value);
}

/// A port without an address is bound on 127.0.0.1.
complaint socket_address(group_settings& into, const std::string& value) {
    std::string_view address = std::string_view(value).substr(0, value.find(','));
    bool is_port = !address.empty() && address.find_first_not_of("0123456789") == address.npos;
    return as_option("bind", into, is_port ? "127.0.0.1:" + value : value);
}

complaint start_immediate(group_settings& into, const std::string& value) {
    into.policy.on_demand = value == flag_off;
    return fine;
}

complaint restart(group_settings& into, const std::string& value) {
    using enum core::restart_policy;
    constexpr std::array<std::pair<std::string_view, core::restart_policy>, 3> known{
        {{"none", never}, {"on-failure", on_failure}, {"always", always}}};
    for (const auto& [name, policy] : known)
        if (value == name) {
            into.policy.restart = policy;
            return fine;
        }
    return quote(value) + " is not 'none', 'on-failure' or 'always'";
}

complaint ack(group_settings& into, const std::string& value) {
    if (value == "manual" || value == "notify") return as_option("ack-mode", into, value);
    if (value != "timer" && value != "none")
        return quote(value) + " is not 'timer', 'manual', 'notify' or 'none'";
    if (value == "none")
        into.policy.ack = core::ack_none{};
    else if (!std::holds_alternative<core::ack_timer>(into.policy.ack))
        into.policy.ack = core::ack_timer{};
    return fine;
}

/// Follows all keys that choose the ack mode, as its meaning depends on that.
complaint ack_timeout(group_settings& into, const std::string& value) {
    if (auto* timer = std::get_if<core::ack_timer>(&into.policy.ack))
        return take_seconds(timer->survive, value);
    return as_option("ack-timeout", into, value);
}

complaint ack_signal(group_settings& into, const std::string& value) {
    return as_option("stop-signal", into, value);
}

complaint giveup(group_settings& into, const std::string& value) {
    if (auto wrong = as_option("retries", into, value)) return wrong;
    if (into.policy.retries == 0u) into.policy.retries.reset();
    return fine;
}

/// The niceness of the workers only: a file describes several groups of one master.
complaint nice(group_settings& into, const std::string& value) {
    auto number = parse_number(value, -20, 19);
    if (!number) return quote(value) + " is not a number from -20 to 19";
    into.worker_nice = static_cast<int>(*number);
    return fine;
}

/// Checks only the syntax; whether the user or group exists is found out when the group is opened.
template <std::string group_settings::*member>
complaint owner(group_settings& into, const std::string& value) {
    bool is_number = !value.empty() && value.find_first_not_of("0123456789") == value.npos;
    constexpr std::int64_t most = std::numeric_limits<std::uint32_t>::max() - 1;
    if (value.empty() || value.starts_with('-') || (is_number && !parse_number(value, 0, most)))
        return quote(value) + " is neither a name nor a number from 0 to 4294967294";
    into.*member = value;
    return fine;
}

complaint auto_upgrade(group_settings& into, const std::string& value) {
    into.auto_upgrade = value != flag_off;
    return fine;
}

using enum key_type;

constexpr std::array table{
    toml_key{"environments", list, "none", "variables added to the master's, as NAME=VALUE",
             environments},
    toml_key{"environment_base_name", text, "FIRESTARTER",
             "what the names of firestarter's variables begin with", variable_prefix},
    toml_key{"cmd", command, "none", "the program and its arguments",
             next_word<&group_settings::command>},
    toml_key{"exec_start", command, "none", "another name of cmd",
             next_word<&group_settings::command>},
    toml_key{"exec_stop", command, "none", "run to stop the group instead of a signal",
             next_word<&group_settings::stop_command>},
    toml_key{"working_directory", text, "the master's", "where the workers run",
             word<&group_settings::working_directory>},
    toml_key{"uid", name, "the master's", "user that the workers run as",
             owner<&group_settings::user>},
    toml_key{"gid", name, "the user's own", "group that the workers run as",
             owner<&group_settings::group>},
    toml_key{"nice", scalar, "the master's", "niceness of the workers", nice},

    toml_key{"numprocesses", scalar, "1", "workers to run", numprocesses},
    toml_key{"start_immediate", flag, "false", "start at once, not when the first client connects",
             start_immediate},
    toml_key{"warmup_delay", scalar, "0", "seconds before the group starts",
             seconds<&core::policy::warmup>},
    toml_key{"restart", text, "none", "whether a worker that ends by itself is started again",
             restart},
    toml_key{"giveup", scalar, "0, never", "another name of retries", giveup},

    toml_key{"socket_address", places, "none", "listeners; a bare port means 127.0.0.1",
             socket_address},
    toml_key{"bind", places, "none", "another name of socket_address", socket_address},

    toml_key{"ack", text, "timer", "when a worker is up", ack},
    toml_key{"ack_timeout", scalar, "1 for timer, else 30",
             "seconds survived, or until the ack has to be there", ack_timeout},
    toml_key{"ack_signal", scalar, "USR2", "another name of stop_signal", ack_signal},

    toml_key{"auto_upgrade", flag, "false", "upgrade when the program's file changes",
             auto_upgrade},
    toml_key{"upgrader", command, "none", "run before an upgrade, which it can cancel",
             next_word<&group_settings::upgrader>},
    toml_key{"upgrader_timeout", scalar, "300", "seconds that the upgrader may take; 0 = for ever",
             seconds<&group_settings::upgrader_timeout>},
    toml_key{"upgrader_active_sec", scalar, "0, never", "seconds between runs of the upgrader",
             seconds<&group_settings::upgrader_interval>},
    toml_key{"live_check_timeout", scalar, "0, off",
             "seconds within which a worker must touch its watch file",
             seconds<&core::policy::live_check>},

    toml_key{"stdout_log", text, "none", "where standard output goes",
             log<&group_settings::stdout_log>},
    toml_key{"stderr_log", text, "none", "where standard error goes",
             log<&group_settings::stderr_log>},
    toml_key{"control_socket", text, "none", "path of the group's own control socket",
             control_socket},
};

constexpr std::array commands{"cmd", "exec_start"};
constexpr std::array numbers{"numprocesses", "number"};
constexpr std::array listeners{"socket_address", "bind"};
constexpr std::array retries{"giveup", "retries"};
constexpr std::array signals{"ack_signal", "stop_signal"};
constexpr std::array acks{"ack", "ack_mode", "manual"};

} // namespace

const char* name_of(key_type type) {
    switch (type) {
    case text: return "string";
    case scalar:
    case name: return "number or string";
    case flag: return "boolean";
    case list: return "array of strings";
    case places: return "array of strings or ports";
    case command: return "array of strings, or string";
    }
    return "";
}

std::span<const toml_key> toml_keys() { return table; }

std::vector<rival_keys> rivals() { return {commands, numbers, listeners, retries, signals, acks}; }

} // namespace einhyrningsins::config
