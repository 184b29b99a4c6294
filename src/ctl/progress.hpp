// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "protocol/reply.hpp"

#include <optional>
#include <string>

namespace einhyrningsins::ctl {

/// How far an upgrade is: the `data` of a reply that is not the last (SPEC section 8).
struct upgrade_progress {
    unsigned acked = 0; ///< new workers that are up
    unsigned of = 0;    ///< new workers in all, at least 1
    unsigned generation = 0;
};

/// Reads it from any reply, whatever its `data` are; nothing: they are no progress.
std::optional<upgrade_progress> progress_of(const protocol::reply& said);

/// A bar in one line of at most `columns` characters, such as "[#####     ] 1/2, generation 3".
std::string progress_bar(const upgrade_progress& how_far, std::size_t columns);

/// Shows what comes before the last reply: on a terminal a bar in one line that is drawn again and
/// again, elsewhere a line for each reply.
class progress {
  public:
    /// `on_terminal`: standard output is a terminal that can draw a bar.
    explicit progress(bool on_terminal) : on_terminal_(on_terminal) {}

    /// Prints to standard output.
    void show(const protocol::reply& said);

    /// Removes the bar, if there is one: other output may follow.
    void clear();

  private:
    bool on_terminal_;
    std::string bar_; ///< what is on the terminal now
};

} // namespace einhyrningsins::ctl
