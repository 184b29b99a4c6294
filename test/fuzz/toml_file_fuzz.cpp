// SPDX-License-Identifier: GPL-3.0-or-later
//
// read_toml_file with arbitrary text: it never crashes, is deterministic, accepts only valid
// settings, and reports each error in one line that begins with the file's name.
#include "config/group_name.hpp"
#include "config/toml_file.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>

using namespace einhyrningsins::config;

namespace {

void must(bool holds) {
    if (!holds) std::abort();
}

bool has_no_null(const std::vector<std::string>& words) {
    return std::ranges::all_of(words,
                               [](const auto& word) { return word.find('\0') == word.npos; });
}

void check(const group_settings& group) {
    must(is_group_name(group.name));
    must(!group.command.empty() && !group.command[0].empty());
    must(group.policy.number >= 1 && group.policy.number <= 10000);
    must(!group.policy.on_demand || !group.listeners.empty());
    must(group.policy.stop_command == !group.stop_command.empty());
    for (const auto* words : {&group.command, &group.stop_command, &group.upgrader,
                              &group.environment, &group.drop_variables})
        must(has_no_null(*words));
    for (const std::string& entry : group.environment)
        must(entry.find('=') != entry.npos && entry[0] != '=');
}

void check(const complaints& all) {
    must(!all.empty() && all.size() <= 1001);
    for (const std::string& line : all) {
        must(line.starts_with("f:"));
        must(std::ranges::none_of(line, [](unsigned char c) { return c < ' ' || c == 0x7f; }));
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view text(reinterpret_cast<const char*>(data), size);
    const group_settings base;
    const std::vector<std::string> environment{"HOME=/root", "A="};
    toml_file file{"f", text, base, environment};
    auto once = read_toml_file(file), again = read_toml_file(file);
    must(once.has_value() == again.has_value());
    if (once) {
        must(!once->empty() && once->size() == again->size());
        for (const group_settings& group : *once)
            check(group);
    } else {
        must(once.error() == again.error());
        check(once.error());
    }
    return 0;
}
