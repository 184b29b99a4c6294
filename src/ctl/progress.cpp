// SPDX-License-Identifier: GPL-3.0-or-later
#include "ctl/progress.hpp"

#include <sys/ioctl.h>

#include <algorithm>
#include <cstdio>

namespace einhyrningsins::ctl {
namespace {

namespace json = boost::json;

constexpr std::size_t longest_bar = 40;

std::optional<unsigned> number(const json::object& from, const char* name) {
    const json::value* value = from.if_contains(name);
    if (!value) return std::nullopt;
    json::error_code error;
    auto result = value->to_number<unsigned>(error);
    return error ? std::nullopt : std::optional(result);
}

std::size_t terminal_columns() {
    winsize size = {};
    if (ioctl(1, TIOCGWINSZ, &size) < 0 || size.ws_col == 0) return 80;
    return size.ws_col;
}

void print(const std::string& text) {
    std::fputs(text.c_str(), stdout);
    std::fflush(stdout);
}

} // namespace

std::optional<upgrade_progress> progress_of(const protocol::reply& said) {
    const json::object* data = said.data ? said.data->if_object() : nullptr;
    if (!data) return std::nullopt;
    auto acked = number(*data, "acked"), of = number(*data, "of");
    if (!acked || !of || *of == 0) return std::nullopt;
    return upgrade_progress{std::min(*acked, *of), *of, number(*data, "generation").value_or(0)};
}

std::string progress_bar(const upgrade_progress& how_far, std::size_t columns) {
    std::string count = std::to_string(how_far.acked) + "/" + std::to_string(how_far.of);
    std::string after = " " + count;
    if (how_far.generation > 0) after += ", generation " + std::to_string(how_far.generation);
    if (after.size() + 4 > columns) return count.substr(0, columns);
    std::size_t length = std::min(columns - after.size() - 2, longest_bar);
    std::size_t full = length * std::size_t{how_far.acked} / how_far.of;
    return "[" + std::string(full, '#') + std::string(length - full, ' ') + "]" + after;
}

void progress::show(const protocol::reply& said) {
    auto how_far = on_terminal_ ? progress_of(said) : std::nullopt;
    std::string bar = bar_;
    clear();
    if (how_far)
        // The last column stays free: some terminals begin a new line after it.
        bar = progress_bar(*how_far, terminal_columns() - 1);
    else if (!said.message.empty())
        print(said.message + "\n");
    bar_ = bar;
    print(bar_);
}

void progress::clear() {
    if (!bar_.empty()) print("\r\033[K");
    bar_.clear();
}

} // namespace einhyrningsins::ctl
