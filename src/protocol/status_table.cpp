// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/status_table.hpp"

#include "core/printable.hpp"
#include "protocol/json_text.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>
#include <vector>

namespace einhyrningsins::protocol {
namespace {

namespace json = boost::json;

const json::value& member(const json::value& from, const char* name) {
    static const json::value nothing;
    auto* object = from.if_object();
    auto* found = object ? object->if_contains(name) : nullptr;
    return found ? *found : nothing;
}

/// In one line; "-" for nothing.
std::string text(const json::value& value) {
    auto* string = value.if_string();
    std::string shown = string            ? std::string(string->data(), string->size())
                        : value.is_null() ? ""
                                          : json_text(value);
    return shown.empty() ? "-" : core::printable(shown);
}

std::string text(const json::value& from, const char* name) { return text(member(from, name)); }

double number(const json::value& value) {
    json::error_code error;
    double result = value.to_number<double>(error);
    return error ? 0 : result;
}

std::string format(const char* pattern, auto... values) {
    char buffer[64];
    std::snprintf(buffer, sizeof buffer, pattern, values...);
    return buffer;
}

/// "12s", "3m05s", "1h02m", "4d03h".
std::string age(const json::value& value) {
    auto s = static_cast<long>(std::clamp(number(value), 0.0, 1e9));
    if (s < 60) return format("%lds", s);
    if (s < 3600) return format("%ldm%02lds", s / 60, s % 60);
    if (s < 86400) return format("%ldh%02ldm", s / 3600, s / 60 % 60);
    return format("%ldd%02ldh", s / 86400, s / 3600 % 24);
}

std::string memory(const json::value& value) {
    double bytes = std::min(number(value), 1e15);
    if (bytes <= 0) return "-";
    if (bytes < 1024) return format("%.0f B", bytes);
    if (bytes < 1024 * 1024) return format("%.0f KB", bytes / 1024);
    if (bytes < 1024.0 * 1024 * 1024) return format("%.1f MB", bytes / (1024 * 1024));
    return format("%.2f GB", bytes / (1024.0 * 1024 * 1024));
}

const char* colour_of(const std::string& state) {
    if (state == "ready" || state == "running") return "\033[32m";
    if (state == "starting" || state == "upgrading" || state == "waiting") return "\033[33m";
    if (state == "given_up") return "\033[31m";
    return "\033[2m";
}

std::string paint(const std::string& state, bool coloured) {
    return coloured ? colour_of(state) + state + "\033[0m" : state;
}

const json::array& items(const json::value& value) {
    static const json::array none;
    auto* array = value.if_array();
    return array ? *array : none;
}

std::string master_line(const json::value& master) {
    if (!master.is_object()) return "";
    std::string line = "master " + text(master, "pid") + ", version " + text(master, "version") +
                       ", up " + age(member(master, "uptime_s")) + ", " +
                       text(master, "control_socket") + "\n";
    if (!member(master, "trouble").is_null()) line += "  " + text(master, "trouble") + "\n";
    return line;
}

std::string headline(const json::value& group, bool coloured) {
    std::string line = text(group, "name") + ": " + paint(text(group, "state"), coloured) +
                       ", generation " + text(group, "generation") + ", " + text(group, "ready") +
                       " of " + text(group, "target") + " ready";
    const json::value& upgrade = member(group, "upgrade");
    if (upgrade.is_object())
        line += "\n  upgrade: " + text(upgrade, "mode") + ", to generation " +
                text(upgrade, "generation") + ", " + text(upgrade, "acked") + " of " +
                text(upgrade, "of") + " ready";
    return line + "\n";
}

std::string listeners(const json::value& group) {
    std::string lines;
    for (const json::value& one : items(member(group, "listeners")))
        lines += "  listens on " + text(one, "address") + " (fd " + text(one, "fd") + ", " +
                 text(one, "name") + ")\n";
    return lines;
}

/// "/var/log/web.log: failing: No space left on device, 12 KB wait, 3 KB dropped"
std::string logs(const json::value& group) {
    std::string lines;
    for (const json::value& one : items(member(group, "logs"))) {
        std::string path = text(one, "path"), why = text(one, "last_error");
        if (why.starts_with(path + ": ")) why.erase(0, path.size() + 2);
        bool failing = member(one, "failing") == json::value(true);
        lines += "  logs to " + path + (failing ? ", failing: " + why : "");
        if (number(member(one, "pending_bytes")) > 0)
            lines += ", " + memory(member(one, "pending_bytes")) + " wait";
        if (number(member(one, "dropped_bytes")) > 0)
            lines += ", " + memory(member(one, "dropped_bytes")) + " dropped";
        lines += "\n";
    }
    return lines;
}

std::string activities(const json::value& group) {
    std::string lines;
    if (!member(group, "waits_for").is_null())
        lines += "  waits for " + text(group, "waits_for") + "\n";
    for (const json::value& one : items(member(group, "helpers")))
        lines += "  runs its " + text(one, "name") + ", process " + text(one, "pid") + "\n";
    return lines;
}

std::string troubles(const json::value& group) {
    std::string lines;
    if (!member(group, "trouble").is_null())
        lines += "  cannot be started: " + text(group, "trouble") + "\n";
    if (number(member(group, "deaths_before_ack")) > 0)
        lines += "  deaths before ack in a row: " + text(group, "deaths_before_ack") + "\n";
    const json::value& last = member(group, "last_death");
    if (last.is_object())
        lines += "  last death: " + text(last, "pid") + ", " + text(last, "cause") + ", after " +
                 age(member(last, "age_s")) + ", generation " + text(last, "generation") + "\n";
    return lines;
}

constexpr std::size_t columns = 7;
constexpr std::size_t state_column = 3;
using row = std::array<std::string, columns>;

std::vector<row> worker_rows(const json::value& group) {
    std::vector<row> rows{{"PID", "INDEX", "GEN", "STATE", "AGE", "RESTARTS", "MEMORY"}};
    for (const json::value& one : items(member(group, "workers")))
        rows.push_back({text(one, "pid"), text(one, "index"), text(one, "generation"),
                        text(one, "state"), age(member(one, "age_s")), text(one, "restarts"),
                        memory(member(one, "memory_bytes"))});
    return rows;
}

/// Numbers to the right, words to the left.
std::string aligned(const std::vector<row>& rows, bool coloured) {
    std::array<std::size_t, columns> widths{};
    for (const row& one : rows)
        for (std::size_t i = 0; i < columns; ++i)
            widths[i] = std::max(widths[i], one[i].size());
    std::string lines;
    for (const row& one : rows) {
        for (std::size_t i = 0; i < columns; ++i) {
            std::string gap(widths[i] - one[i].size(), ' ');
            bool painted = coloured && &one != rows.data();
            lines += i == state_column ? "  " + paint(one[i], painted) + gap : "  " + gap + one[i];
        }
        lines += "\n";
    }
    return lines;
}

} // namespace

std::string status_table(const json::value& data, bool coloured) {
    std::string table = master_line(member(data, "master"));
    for (const json::value& group : items(member(data, "groups"))) {
        if (!table.empty()) table += "\n";
        table += headline(group, coloured) + listeners(group) + logs(group) + activities(group) +
                 troubles(group);
        std::vector<row> rows = worker_rows(group);
        if (rows.size() > 1) table += aligned(rows, coloured);
    }
    if (!table.empty()) table.pop_back();
    return table;
}

} // namespace einhyrningsins::protocol
