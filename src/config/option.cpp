// SPDX-License-Identifier: GPL-3.0-or-later
#include "config/option.hpp"

#include "config/number.hpp"
#include "config/quote.hpp"
#include "core/nearest.hpp"

#include <algorithm>

namespace einhyrningsins::config {
namespace {

std::string not_at_run_time(std::string_view name) {
    std::vector<std::string> candidates;
    for (const option& one : options())
        if (one.at_run_time) candidates.emplace_back(one.name);
    return quote(name) + " is not an option that can be changed at run time" +
           core::did_you_mean(name, candidates);
}

} // namespace

complaint take_seconds(core::duration& target, const std::string& value) {
    auto seconds = parse_seconds(value);
    if (!seconds)
        return quote(value) + " is not a number of seconds, like 30 or 0.5, up to 10000000";
    target = *seconds;
    return std::nullopt;
}

const option* find_option(std::string_view name) {
    auto all = options();
    auto found =
        std::ranges::find(all, name, [](const option& o) { return std::string_view(o.name); });
    return found == all.end() ? nullptr : &*found;
}

void forget_values(group_settings& group, const option& known) {
    std::string_view name = known.name;
    if (name == "drop-env-var") group.drop_variables.clear();
    if (name == "bind") group.listeners.clear();
    if (name.starts_with("ipv")) group.family = ip_family::any;
}

complaint change_at_run_time(group_settings& group, std::string_view name,
                             const std::vector<std::string>& values) {
    std::string dashed(name);
    std::ranges::replace(dashed, '_', '-');
    const option* known = find_option(dashed);
    if (!known || !known->at_run_time) return not_at_run_time(dashed);
    std::string subject = "--" + dashed + ": ";
    if (!known->repeatable && values.size() != 1) return subject + "takes one value";
    request_kind unasked = request_kind::run;
    master_settings untouched;
    group_settings changed = group;
    forget_values(changed, *known);
    draft into{unasked, untouched, changed};
    for (const std::string& value : values)
        if (auto wrong = known->take(into, value)) return subject + *wrong;
    group = std::move(changed);
    return std::nullopt;
}

} // namespace einhyrningsins::config
