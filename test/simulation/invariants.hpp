// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/group.hpp"

#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace einhyrningsins::simulation {

/// A rule that was broken: its name, and what was seen.
struct broken_invariant : std::runtime_error {
    broken_invariant(const std::string& name, const std::string& seen)
        : std::runtime_error(name + ": " + seen) {}
};

/// One turn of the shell's loop, as the invariants look at it.
struct turn {
    core::group before;  ///< the event
    core::group applied; ///< after apply, before reconcile
    const core::group& after;
    const std::vector<core::action_type>& actions;
    core::time_point now;
};

/// What must hold after every turn of every history (SPEC 7). Each private function is one rule and
/// throws broken_invariant with its own name.
class invariants {
  public:
    void check(const turn& what);

  private:
    void legal_moves(const turn& what) const;
    void indices_are_unique(const turn& what) const;
    void generation_grows(const turn& what) const;
    void reconcile_is_idempotent(const turn& what) const;
    void nothing_old_dies_first(const turn& what) const;
    void fleet_waits_for_all(const turn& what) const;
    void capacity_never_dips(const turn& what) const;
    void surplus_is_bounded(const turn& what) const;
    void backoff_is_bounded(const turn& what);
    void give_up_is_final(const turn& what);
    void abort_keeps_service(const turn& what);
    void done_means_all_old_were_told(const turn& what) const;
    void no_signal_without_process(const turn& what) const;

    std::optional<core::time_point> waiting_until_;
    std::optional<core::generation> aborted_;
    bool given_up_ = false;
};

} // namespace einhyrningsins::simulation
