// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/upgrade_progress.hpp"

#include <algorithm>
#include <utility>

namespace einhyrningsins::core {
namespace {

/// How many failures of a row are kept for the report of an aborted upgrade.
constexpr std::size_t failures_kept = 10;

} // namespace

std::optional<event::upgrade> upgrade_progress::next() const {
    if (!again) return std::nullopt;
    return event::upgrade{*again, again_signal};
}

void upgrade_progress::add_next(const event::upgrade& request) {
    auto before = next();
    event::upgrade all = before ? joined(*before, request) : request;
    again = all.mode;
    again_signal = all.signal;
}

std::optional<time_point> upgrade_progress::overtaken_at() const {
    if (!again) return std::nullopt;
    return began_at + upgrade_overtakes_after;
}

void upgrade_progress::keep(failure failed) {
    if (failures.size() == failures_kept) failures.erase(failures.begin());
    failures.push_back(std::move(failed));
}

unsigned upgrade_progress::least_old(const policy& policy) const {
    return std::min(capacity, previous.wanted(policy));
}

} // namespace einhyrningsins::core
