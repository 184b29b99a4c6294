// SPDX-License-Identifier: GPL-3.0-or-later
#include "config/toml_key.hpp"

#include <algorithm>
#include <array>

namespace einhyrningsins::config {

std::vector<const option*> options_in_files() {
    std::vector<const option*> all;
    for (const option& one : options())
        if (one.of_workers && !std::ranges::count(toml_keys(), key_of(one), &toml_key::name))
            all.push_back(&one);
    return all;
}

std::string key_of(const option& known) {
    std::string name = known.name;
    std::ranges::replace(name, '-', '_');
    return name;
}

key_type type_of(const option& known) {
    constexpr std::array<std::string_view, 3> numbers{"COUNT", "SECONDS", "MODE"};
    if (!known.argument) return key_type::flag;
    if (known.repeatable) return key_type::list;
    bool is_number = std::ranges::find(numbers, known.argument) != numbers.end();
    return is_number ? key_type::scalar : key_type::text;
}

std::vector<std::string> key_names() {
    std::vector<std::string> all;
    for (const toml_key& one : toml_keys())
        all.emplace_back(one.name);
    for (const option* one : options_in_files())
        all.push_back(key_of(*one));
    return all;
}

} // namespace einhyrningsins::config
