// SPDX-License-Identifier: GPL-3.0-or-later
//
// The end of every history: what must be possible whatever has happened before.
#include "simulation/world.hpp"

#include <algorithm>
#include <chrono>

namespace einhyrningsins::simulation {
namespace {

using namespace std::chrono_literals;

/// In the end, until an upgrade is over.
constexpr unsigned most_news_in_an_upgrade = 20'000;
/// Of a process that heeds a signal.
constexpr core::duration longest_stop = 5s;

} // namespace

void world::finish() {
    settle();
    scarce_ = false;
    if (group_.upgrade() && is_determinate()) finish_upgrade();
    finish_stop();
}

void world::finish_upgrade() {
    for (unsigned news = 0; group_.upgrade(); ++news)
        if (!wait() || news == most_news_in_an_upgrade)
            throw violation("upgrades_end", "nothing more will happen to this one");
}

void world::finish_stop() {
    const core::policy& wishes = group_.wishes();
    bool insists = wishes.signal_timeout != core::duration::zero();
    auto patience = !insists ? longest_stop
                    : wishes.kill_at_timeout
                        ? std::max(wishes.signal_timeout, core::grace_before_kill) // if overdue
                        : wishes.signal_timeout + core::grace_before_kill;
    bool by_command = wishes.stop_command && wishes.stop_signal == SIGTERM;
    bool bounded = insists || (obeys() && !by_command);
    stop(SIGTERM, bounded ? patience : core::duration::zero(), bounded);
    stop(SIGKILL, core::duration::zero(), true);
}

void world::stop(int signal, core::duration patience, bool must_end) {
    auto end = now_ + answer_takes_ + patience;
    apply(core::event::stop{signal});
    settle();
    while (group_.phase() != core::group_phase::stopped) {
        auto due = next_due();
        if (due && *due <= end)
            wait();
        else if (must_end)
            throw violation("stop_terminates", "workers are left when their time is over");
        else
            return;
    }
}

/// Whether whatever may still be started either serves or fails, and what was told to go goes.
bool world::is_determinate() const {
    const core::policy& wishes = group_.wishes();
    bool insists = wishes.signal_timeout != core::duration::zero();
    bool waits =
        wishes.max_upgrade_additional || std::holds_alternative<core::ack_none>(wishes.ack);
    if (!insists && waits && !obeys()) return false;
    if (wishes.live_check != core::duration::zero()) return false;
    auto ends = [&](const program& runs) {
        return simulation::is_determinate(runs, wishes.ack) &&
               (runs.sound_every == 0 || simulation::is_determinate(program{}, wishes.ack)) &&
               (insists || runs.heeds == obedience::willing);
    };
    return ends(programs_[deployed_]) && std::ranges::all_of(plans_, [&](const auto& plan) {
               return ends(programs_[plan.second]);
           });
}

bool world::obeys() const {
    return std::ranges::all_of(processes_,
                               [](const process& one) { return one.heeds == obedience::willing; });
}

} // namespace einhyrningsins::simulation
