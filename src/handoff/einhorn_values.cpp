// SPDX-License-Identifier: GPL-3.0-or-later
#include "handoff/einhorn_values.hpp"

#include "config/number.hpp"
#include "config/quote.hpp"

#include <charconv>
#include <cmath>
#include <cstdio>
#include <ctime>

namespace einhyrningsins::handoff {
namespace {

using node = yaml_node;

std::optional<double> parse_double(std::string_view text) {
    double number = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

std::optional<std::chrono::system_clock::time_point> parse_time(const std::string& text) {
    std::tm fields{};
    double seconds = 0;
    char sign = '+';
    int hours = 0, minutes = 0;
    int found = std::sscanf(text.c_str(), "%d-%d-%d%*[ T]%d:%d:%lf%*[ ]%c%d:%d", &fields.tm_year,
                            &fields.tm_mon, &fields.tm_mday, &fields.tm_hour, &fields.tm_min,
                            &seconds, &sign, &hours, &minutes);
    if (found < 6 || !(seconds >= 0 && seconds < 62)) return std::nullopt;
    // The range of the clock, which counts nanoseconds.
    if (fields.tm_year < 1971 || fields.tm_year > 2200) return std::nullopt;
    // Compared with both ends: of INT_MIN there is no absolute value.
    auto is_within = [](int number, int most) { return number >= -most && number <= most; };
    if (!is_within(fields.tm_mon, 12) || !is_within(fields.tm_mday, 31)) return std::nullopt;
    if (!is_within(fields.tm_hour, 24) || !is_within(fields.tm_min, 60)) return std::nullopt;
    if (!is_within(hours, 24) || !is_within(minutes, 60)) return std::nullopt;
    fields.tm_year -= 1900;
    fields.tm_mon -= 1;
    std::time_t whole = ::timegm(&fields) - (sign == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
    return std::chrono::system_clock::from_time_t(whole) +
           std::chrono::microseconds(static_cast<std::int64_t>(seconds * 1e6));
}

} // namespace

node einhorn_values::get(const node& from, std::string_view key) {
    return from.at(":" + std::string(key));
}

void einhorn_values::remark_default(std::string_view key, const node& value) {
    std::string what = value.is_scalar() ? config::quote(value.scalar()) : "of the wrong kind";
    remark(":" + std::string(key) + " is " + what +
           ", which has no meaning here; the default is used");
}

node einhorn_values::list(const node& from, std::string_view key) {
    node value = get(from, key);
    if (value.is_null() || value.is_list()) return value;
    remark_default(key, value);
    return node();
}

node einhorn_values::map(const node& from, std::string_view key) {
    node value = get(from, key);
    if (value.is_null() || value.is_map()) return value;
    remark_default(key, value);
    return node();
}

bool einhorn_values::flag(const node& from, std::string_view key) {
    const node value = get(from, key);
    if (value.is_null()) return false;
    if (value.scalar() == "true") return true;
    if (value.scalar() != "false") remark_default(key, value);
    return false;
}

std::int64_t einhorn_values::number(const node& from, std::string_view key, std::int64_t least,
                                    std::int64_t most, std::int64_t otherwise) {
    return optional_number(from, key, least, most).value_or(otherwise);
}

std::optional<std::int64_t> einhorn_values::optional_number(const node& from, std::string_view key,
                                                            std::int64_t least, std::int64_t most) {
    const node value = get(from, key);
    if (value.is_null()) return std::nullopt;
    if (auto known = config::parse_number(value.scalar(), least, most)) return known;
    remark_default(key, value);
    return std::nullopt;
}

std::optional<core::duration> einhorn_values::seconds(const node& from, std::string_view key) {
    constexpr double most = 1e7;
    const node value = get(from, key);
    if (value.is_null()) return std::nullopt;
    auto known = parse_double(value.scalar());
    if (known && std::isfinite(*known) && *known >= 0 && *known <= most)
        return std::chrono::duration_cast<core::duration>(std::chrono::duration<double>(*known));
    remark_default(key, value);
    return std::nullopt;
}

std::string einhorn_values::text(const node& from, std::string_view key) {
    const node value = get(from, key);
    if (value.is_null()) return {};
    if (auto known = value.text()) return std::move(*known);
    remark_default(key, value);
    return {};
}

einhorn_values::words einhorn_values::texts(const node& from, std::string_view key) {
    const node value = get(from, key);
    if (value.is_null()) return {};
    words all;
    bool good = value.is_list();
    for (const node& element : value.elements()) {
        auto known = element.text();
        good = good && known;
        if (known) all.push_back(std::move(*known));
    }
    if (good) return all;
    remark_default(key, value);
    return {};
}

std::optional<std::chrono::system_clock::time_point> einhorn_values::time(const node& from,
                                                                          std::string_view key) {
    auto text = get(from, key).text();
    return text ? parse_time(*text) : std::nullopt;
}

einhorn_values::words einhorn_values::set(const node& from, std::string_view key) {
    node value = get(from, key);
    if (node hash = value.at("hash"); hash.is_map()) value = hash;
    words members;
    for (const auto& [member, present] : value.entries())
        if (auto name = member.text()) members.push_back(std::move(*name));
    return members;
}

} // namespace einhyrningsins::handoff
