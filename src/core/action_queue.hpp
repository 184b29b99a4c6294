// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/action.hpp"
#include "core/report.hpp"
#include "core/worker.hpp"

#include <vector>

namespace einhyrningsins::core {

/// What a group has decided and its shell has not been told yet, in order.
class action_queue {
  public:
    void push(action_type action);
    void tell(report news);
    /// Tells the worker to go; once, however often the operator changes his mind in one turn.
    void dismiss(worker_id id, int signal);
    /// The worker has ended: no signal may reach whoever gets its pid next.
    void cancel_signals(worker_id id);

    bool empty() const { return actions_.empty(); }
    /// All of them; none is left.
    std::vector<action_type> take();

  private:
    std::vector<action_type> actions_;
};

} // namespace einhyrningsins::core
