// SPDX-License-Identifier: GPL-3.0-or-later
#include "handoff/archive.hpp"

namespace einhyrningsins::handoff {
namespace {

constexpr auto longest = std::numeric_limits<core::duration::rep>::max() / 4;

core::duration deadline_of(const core::ack_policy& ack) {
    if (auto* timer = std::get_if<core::ack_timer>(&ack)) return timer->survive;
    if (auto* manual = std::get_if<core::ack_manual>(&ack)) return manual->timeout;
    if (auto* notify = std::get_if<core::ack_notify>(&ack)) return notify->timeout;
    return {};
}

constexpr const char* ack_modes[] = {"timer", "manual", "notify", "none"}; // as in core::ack_policy

} // namespace

json::value to_json(const core::ack_policy& value) {
    return json::object{{"mode", ack_modes[value.index()]}, {"time", to_json(deadline_of(value))}};
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

std::int64_t integer(const json::value& from, std::int64_t least, std::int64_t most) {
    json::error_code error;
    auto number = from.to_number<std::int64_t>(error);
    if (error || number < least || number > most)
        throw bad_member(" must be a whole number from " + std::to_string(least) + " to " +
                         std::to_string(most));
    return number;
}

void from_json(const json::value& from, core::duration& into) {
    into = core::duration(integer(from, 0, longest));
}

void from_json(const json::value& from, core::time_point& into) {
    into = core::time_point(core::duration(integer(from, -longest, longest)));
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
    switch (place_of(*mode, ack_modes, std::size(ack_modes))) {
    case 0: into = core::ack_timer{time}; break;
    case 1: into = core::ack_manual{time}; break;
    case 2: into = core::ack_notify{time}; break;
    default: into = core::ack_none{};
    }
}

void from_json(const json::value& from, std::map<unsigned, unsigned>& into) {
    into.clear();
    for (const json::value& one : array_of(from)) {
        const json::array& pair = array_of(one);
        if (pair.size() != 2) throw bad_member(" must have pairs");
        unsigned key = 0;
        from_json(pair[0], key);
        from_json(pair[1], into[key]);
    }
}

std::size_t place_of(const json::value& from, const char* const* names, std::size_t count) {
    std::string known;
    for (std::size_t place = 0; place < count; ++place) {
        if (from.is_string() && from.get_string() == names[place]) return place;
        known += (place ? ", " : "") + std::string(names[place]);
    }
    throw bad_member(" must be one of " + known);
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
