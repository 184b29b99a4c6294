// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/lineage.hpp"

#include <algorithm>
#include <utility>

namespace einhyrningsins::core {

unsigned lineage::wanted(const policy& policy) const {
    return policy.number - std::min(ended, policy.number);
}

void lineage::want_ended_again() {
    ended = 0;
    unstartable_told = false;
}

void lineage::prove(const policy& policy) {
    proven = true;
    bool loops = crash_loop_length(rapid_deaths, policy) > 0;
    if (std::exchange(failures, 0) > 0 && !loops) not_before.reset();
}

unsigned lineage::count_death(duration age, const policy& policy) {
    rapid_deaths = age < rapid_death ? rapid_deaths + 1 : 0;
    return crash_loop_length(rapid_deaths, policy);
}

unsigned lineage::longest_row(const policy& policy) const {
    bool loops = crash_loop_length(rapid_deaths, policy) > 0;
    return std::max({failures, scarcities, loops ? rapid_deaths : 0});
}

void lineage::wait_until(time_point end) {
    not_before = std::max(not_before, std::optional(end));
    wait_untold = true;
}

bool lineage::is_waiting(time_point now) {
    if (is_due(not_before, now)) not_before.reset();
    return not_before.has_value();
}

} // namespace einhyrningsins::core
