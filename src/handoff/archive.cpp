// SPDX-License-Identifier: GPL-3.0-or-later
#include "handoff/archive.hpp"

#include <boost/describe/enum.hpp>

#include <array>
#include <charconv>

namespace einhyrningsins::handoff {
namespace {

constexpr auto longest = std::numeric_limits<core::duration::rep>::max() / 4;

core::duration deadline_of(const core::ack_policy& ack) {
    if (auto* timer = std::get_if<core::ack_timer>(&ack)) return timer->survive;
    if (auto* manual = std::get_if<core::ack_manual>(&ack)) return manual->timeout;
    if (auto* notify = std::get_if<core::ack_notify>(&ack)) return notify->timeout;
    return {};
}

enum class ack_mode { timer, manual, notify, none };
BOOST_DESCRIBE_ENUM(ack_mode, timer, manual, notify, none)

ack_mode mode_of(const core::ack_policy& ack) {
    if (std::holds_alternative<core::ack_timer>(ack)) return ack_mode::timer;
    if (std::holds_alternative<core::ack_manual>(ack)) return ack_mode::manual;
    if (std::holds_alternative<core::ack_notify>(ack)) return ack_mode::notify;
    return ack_mode::none;
}

enum class visible_state { starting, ready, stopping };
BOOST_DESCRIBE_ENUM(visible_state, starting, ready, stopping)

/// The state of a worker that looks like `state`.
core::worker_state state_of(const core::worker& worker, bool spawn_requested) {
    using enum core::worker_state;
    bool has_process = worker.pid != 0;
    switch (worker.state) {
    case starting: return has_process ? starting : spawn_requested ? spawning : wanted;
    case stopping:
        return !has_process ? cancelled : worker.told.signal == 0 ? stopping_by_command : stopping;
    default: return worker.state;
    }
}

constexpr const char* spawn_requested_key = "spawn_requested";
constexpr const char* double_key = "double";
constexpr std::string_view only_v4 = " -4", only_v6 = " -6";

} // namespace

json::value to_json(const json::value& value) {
    if (!value.is_double()) return value;
    std::array<char, 32> text{};
    auto end = std::to_chars(text.begin(), text.end(), value.get_double()).ptr;
    return json::object{{double_key, json::string_view(text.data(), end - text.data())}};
}

void from_json(const json::value& from, json::value& into) {
    into = from;
    if (!from.is_object()) return;
    std::string text;
    if (auto* given = from.get_object().if_contains(double_key)) from_json(*given, text);
    auto end = text.data() + text.size();
    double number = 0;
    if (std::from_chars(text.data(), end, number).ptr != end || text.empty())
        throw bad_member(" must be a string or a number");
    into = number;
}

json::value to_json(core::worker_state value) { return json::value(core::to_string(value)); }

void from_json(const json::value& from, core::worker_state& into) {
    visible_state visible{};
    from_json(from, visible);
    switch (visible) {
    case visible_state::starting: into = core::worker_state::starting; break;
    case visible_state::ready: into = core::worker_state::ready; break;
    case visible_state::stopping: into = core::worker_state::stopping; break;
    }
}

json::value to_json(const core::worker& value) {
    json::value made = to_json<core::worker>(value);
    made.get_object()[spawn_requested_key] = value.state != core::worker_state::wanted;
    return made;
}

void from_json(const json::value& from, core::worker& into) {
    from_json<core::worker>(from, into);
    bool spawn_requested = false;
    if (auto* given = object_of(from).if_contains(spawn_requested_key))
        from_json(*given, spawn_requested);
    into.state = state_of(into, spawn_requested);
}

json::value to_json(const core::ack_policy& value) {
    return json::object{{"mode", to_json(mode_of(value))}, {"time", to_json(deadline_of(value))}};
}

json::value to_json(const std::optional<model::listener_spec>& value) {
    std::string text = value ? value->spec.text : "";
    if (value && value->family != config::ip_family::any)
        text += value->family == config::ip_family::v4 ? only_v4 : only_v6;
    return json::value(text);
}

json::value to_json(const std::map<unsigned, unsigned>& value) {
    json::array pairs;
    for (const auto& [key, count] : value)
        pairs.push_back(json::array{key, count});
    return pairs;
}

void from_json(const json::value& from, bool& into) {
    if (!from.is_bool()) throw bad_member(" must be true or false");
    into = from.get_bool();
}

void from_json(const json::value& from, std::string& into) {
    if (!from.is_string()) throw bad_member(" must be a string");
    into.assign(from.get_string().data(), from.get_string().size());
}

void refuse_number(const std::string& least, const std::string& most) {
    throw bad_member(" must be a whole number from " + least + " to " + most);
}

void refuse_name(const std::string& known) { throw bad_member(" must be one of " + known); }

void from_json(const json::value& from, core::duration& into) {
    into = core::duration(integer<core::duration::rep>(from, 0, longest));
}

void from_json(const json::value& from, core::time_point& into) {
    into = core::time_point(core::duration(integer<core::duration::rep>(from, -longest, longest)));
}

void from_json(const json::value& from, core::worker_id& into) {
    std::uint64_t number = 0;
    from_json(from, number);
    into = core::worker_id(number);
}

void from_json(const json::value& from, config::bind_spec& into) {
    std::string text;
    from_json(from, text);
    auto spec = config::parse_bind_spec(text);
    if (!spec) throw bad_member(": " + spec.error().message);
    into = std::move(*spec);
}

void from_json(const json::value& from, config::log_spec& into) {
    std::string text;
    from_json(from, text);
    auto spec = config::parse_log_spec(text);
    if (!spec) throw bad_member(": " + spec.error().message);
    into = std::move(*spec);
}

void from_json(const json::value& from, core::ack_policy& into) {
    const json::object& object = object_of(from);
    const json::value* mode = object.if_contains("mode");
    if (!mode) throw bad_member(" has no mode");
    core::duration time{};
    if (const json::value* given = object.if_contains("time")) from_json(*given, time);
    ack_mode which{};
    from_json(*mode, which);
    switch (which) {
    case ack_mode::timer: into = core::ack_timer{time}; break;
    case ack_mode::manual: into = core::ack_manual{time}; break;
    case ack_mode::notify: into = core::ack_notify{time}; break;
    case ack_mode::none: into = core::ack_none{}; break;
    }
}

void from_json(const json::value& from, std::optional<model::listener_spec>& into) {
    std::string text;
    from_json(from, text);
    into.reset();
    if (text.empty()) return;
    auto family = text.ends_with(only_v4)   ? config::ip_family::v4
                  : text.ends_with(only_v6) ? config::ip_family::v6
                                            : config::ip_family::any;
    if (family != config::ip_family::any) text.resize(text.size() - only_v4.size());
    from_json(json::value(text), into.emplace().spec);
    into->family = family;
}

void from_json(const json::value& from, std::map<unsigned, unsigned>& into) {
    into.clear();
    for (const json::value& element : array_of(from)) {
        const json::array& pair = array_of(element);
        if (pair.size() != 2) throw bad_member(" must contain pairs");
        unsigned key = 0;
        from_json(pair[0], key);
        from_json(pair[1], into[key]);
    }
}

const json::object& object_of(const json::value& from) {
    if (!from.is_object()) throw bad_member(" must be an object");
    return from.get_object();
}

const json::array& array_of(const json::value& from) {
    if (!from.is_array()) throw bad_member(" must be an array");
    return from.get_array();
}

void rethrow_within(const std::string& name, const bad_member& inner) {
    throw bad_member("." + name + inner.what());
}

} // namespace einhyrningsins::handoff
