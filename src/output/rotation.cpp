// SPDX-License-Identifier: GPL-3.0-or-later
#include "output/rotation.hpp"

#include <algorithm>
#include <ctime>

namespace einhyrningsins::output {
namespace {

using config::time_unit;

std::tm broken_down(const config::time_rotation& rule, wall_time when) {
    std::time_t seconds = when.time_since_epoch().count();
    std::tm fields{};
    rule.local ? ::localtime_r(&seconds, &fields) : ::gmtime_r(&seconds, &fields);
    return fields;
}

/// The midnight that begins the day `days` after that of `when`.
wall_time midnight_after(const config::time_rotation& rule, wall_time when, unsigned days) {
    std::tm fields = broken_down(rule, when);
    fields.tm_mday += static_cast<int>(days);
    fields.tm_hour = fields.tm_min = fields.tm_sec = 0;
    fields.tm_isdst = -1; // summer time may begin or end in between
    std::time_t seconds = rule.local ? ::mktime(&fields) : ::timegm(&fields);
    return wall_time(std::chrono::seconds(seconds));
}

const char* format_of(time_unit unit) {
    switch (unit) {
    case time_unit::second: return "%Y%m%d%H%M%S";
    case time_unit::minute: return "%Y%m%d%H%M";
    case time_unit::hour: return "%Y%m%d%H";
    case time_unit::day:
    case time_unit::midnight: break;
    }
    return "%Y%m%d";
}

std::size_t stamp_length(time_unit unit) {
    return stamp_of({1, unit, false}, wall_time(std::chrono::seconds(0))).size();
}

bool is_number(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

/// BASE.STAMP, or BASE.STAMP_N where two files have begun at the same time.
bool is_backup(std::string_view name, std::string_view base, std::size_t length) {
    if (!name.starts_with(base)) return false;
    name.remove_prefix(base.size());
    if (!name.starts_with('.') || name.size() < 1 + length) return false;
    std::string_view more = name.substr(1 + length);
    return is_number(name.substr(1, length)) &&
           (more.empty() || (more.front() == '_' && is_number(more.substr(1))));
}

/// The length of the first line of `text` with its end, or of all of it.
std::size_t first_line(std::string_view text) {
    std::size_t newline = text.find('\n');
    return newline == std::string_view::npos ? text.size() : newline + 1;
}

} // namespace

wall_time next_rotation(const config::time_rotation& rule, wall_time began) {
    switch (rule.unit) {
    case time_unit::second: return began + std::chrono::seconds(rule.every);
    case time_unit::minute: return began + std::chrono::minutes(rule.every);
    case time_unit::hour: return began + std::chrono::hours(rule.every);
    case time_unit::day: return began + std::chrono::days(rule.every);
    case time_unit::midnight: break;
    }
    return midnight_after(rule, began, rule.every);
}

std::string stamp_of(const config::time_rotation& rule, wall_time began) {
    std::tm fields = broken_down(rule, began);
    char stamp[32];
    return {stamp, std::strftime(stamp, sizeof stamp, format_of(rule.unit), &fields)};
}

std::vector<std::string> surplus_backups(std::vector<std::string> names, std::string_view base,
                                         const config::time_rotation& rule, unsigned kept) {
    std::size_t length = stamp_length(rule.unit);
    std::erase_if(names, [&](const std::string& name) { return !is_backup(name, base, length); });
    std::size_t stamp_end = base.size() + 1 + length;
    std::ranges::sort(names, [&](const std::string& a, const std::string& b) {
        int order = a.compare(0, stamp_end, b, 0, stamp_end);
        if (order != 0) return order < 0;
        return a.size() != b.size() ? a.size() < b.size() : a < b; // _9 is before _10
    });
    names.resize(names.size() - std::min<std::size_t>(names.size(), kept));
    return names;
}

std::vector<renumbering> renumber(unsigned present, unsigned kept) {
    std::vector<renumbering> steps;
    if (kept == 0) return steps;
    for (unsigned n = std::min(present, kept - 1); n > 0; --n)
        steps.push_back({n, n + 1});
    steps.push_back({0, 1});
    return steps;
}

std::size_t writable_part(std::string_view text, const file_end& end) {
    if (end.due) return end.mid_line ? first_line(text) : 0;
    if (!end.limit || end.size + text.size() <= *end.limit) return text.size();
    std::size_t room = *end.limit - std::min(*end.limit, end.size);
    std::size_t newline = room > 0 ? text.rfind('\n', room - 1) : std::string_view::npos;
    if (newline != std::string_view::npos) return newline + 1;
    bool between_lines = !end.mid_line && end.size > 0;
    bool endless = end.mid_line && end.size >= *end.limit + longest_overrun;
    return between_lines || endless ? 0 : first_line(text);
}

std::size_t blind_part(std::size_t size, bool shared, const file_end& end) {
    constexpr std::size_t too_little = 8 * 1024; // to be worth two more system calls
    if (end.due) return 0;
    std::size_t blind = shared ? size - std::min(size, looked_at) : size;
    if (end.limit) {
        std::uint64_t room = *end.limit - std::min(*end.limit, end.size);
        blind =
            std::min<std::uint64_t>(blind, room - std::min<std::uint64_t>(room, longest_partial));
    }
    return blind == size || blind >= too_little ? blind : 0;
}

} // namespace einhyrningsins::output
