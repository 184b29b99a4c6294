// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/signal_name.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <csignal>
#include <cstring>

namespace einhyrningsins::core {
namespace {

bool is_signal(int number) { return number > 0 && number <= SIGRTMAX; }

std::string upper(std::string_view text) {
    std::string result(text);
    std::ranges::transform(result, result.begin(), [](unsigned char c) { return std::toupper(c); });
    return result;
}

std::optional<int> whole_number(std::string_view text) {
    int number = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

std::optional<int> valid(std::optional<int> number) {
    return number && is_signal(*number) ? number : std::nullopt;
}

std::optional<int> realtime_number(std::string_view name) {
    if (name.starts_with("RTMIN+"))
        if (auto offset = whole_number(name.substr(6))) return SIGRTMIN + *offset;
    if (name.starts_with("RTMAX-"))
        if (auto offset = whole_number(name.substr(6))) return SIGRTMAX - *offset;
    if (name == "RTMIN") return SIGRTMIN;
    if (name == "RTMAX") return SIGRTMAX;
    return std::nullopt;
}

} // namespace

std::string signal_name(int number) {
    if (const char* abbreviation = sigabbrev_np(number)) return std::string("SIG") + abbreviation;
    if (number >= SIGRTMIN && number <= SIGRTMAX)
        return "SIGRTMIN+" + std::to_string(number - SIGRTMIN);
    return "signal " + std::to_string(number);
}

std::optional<int> signal_number(std::string_view name) {
    if (auto number = whole_number(name)) return valid(number);
    std::string wanted = upper(name);
    if (wanted.starts_with("SIG")) wanted.erase(0, 3);
    for (int number = 1; number < SIGRTMIN; ++number) {
        const char* abbreviation = sigabbrev_np(number);
        if (abbreviation && wanted == abbreviation) return number;
    }
    return valid(realtime_number(wanted));
}

} // namespace einhyrningsins::core
