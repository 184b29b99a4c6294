// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/policy.hpp"
#include "core/assert.hpp"

#include <algorithm>

namespace einhyrningsins::core {
namespace {

constexpr duration longest_back_off = std::chrono::seconds(30);
/// Also with --seconds 0: a program that cannot start must not keep a CPU busy.
constexpr duration shortest_back_off = std::chrono::milliseconds(10);
constexpr unsigned default_upgrade_failures = 5;
constexpr unsigned rapid_deaths_tolerated = 100;

unsigned difference(unsigned from, unsigned take) { return from > take ? from - take : 0; }

} // namespace

bool comes_with_time(const ack_policy& ack) {
    return std::holds_alternative<ack_timer>(ack) || std::holds_alternative<ack_none>(ack);
}

duration back_off(duration base, unsigned deaths, double jitter) {
    assert(deaths > 0);
    double longest = static_cast<double>(longest_back_off.count());
    double delay = static_cast<double>(std::max(base, shortest_back_off).count());
    for (unsigned death = 1; death < deaths && delay < longest; ++death)
        delay *= 1.5;
    double limited = std::min(delay, longest);
    return duration(static_cast<duration::rep>(limited * (0.9 + 0.2 * jitter)));
}

unsigned upgrade_failure_limit(const policy& wishes) {
    if (wishes.restart == restart_policy::never) return 1;
    return std::max(1U, wishes.retries.value_or(default_upgrade_failures));
}

unsigned crash_loop_length(unsigned deaths, const policy& wishes) {
    return difference(deaths, rapid_deaths_tolerated + 2 * wishes.number);
}

bool is_complete(const census& count) { return count.fresh_ready >= count.wanted; }

unsigned spawns_allowed(const census& count, const policy& wishes, bool upgrading) {
    unsigned allowed = std::min(difference(count.wanted, count.fresh_active),
                                difference(wishes.max_unacked, count.fresh_unacked));
    if (upgrading && wishes.max_upgrade_additional) {
        // More old ones than wanted, after a resize, have to stay until a new one is proven.
        unsigned regular = std::max(wishes.number, count.old_active);
        allowed =
            std::min(allowed, difference(regular + *wishes.max_upgrade_additional, count.existing));
    }
    return allowed;
}

unsigned retirements_allowed(const census& count) {
    if (count.fresh_ready == 0 && count.wanted > 0) return 0;
    return difference(count.old_active, difference(count.wanted, count.fresh_ready));
}

} // namespace einhyrningsins::core
