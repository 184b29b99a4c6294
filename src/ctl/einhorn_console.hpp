// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ctl/client.hpp"
#include "ctl/command_text.hpp"
#include "ctl/exit_code.hpp"

#include <string_view>

namespace einhyrningsins::ctl {

/// Gives commands to a master that may be einhorn itself, and prints what it says as it comes. It
/// is for the master to know the commands.
class einhorn_console {
  public:
    explicit einhorn_console(client& master) : master_(master) {}

    /// Has the master say who it is, on standard error.
    exit_code greet();

    /// Gives the commands of one text, see parse_commands(), until one is `quit` or `exit`, or the
    /// master cannot be reached. Returns the gravest result.
    exit_code run_text(std::string_view text);

    /// Whether there was a `quit` or `exit`.
    bool has_quit() const { return has_quit_; }

  private:
    exit_code run(const command_words& words);

    client& master_;
    int requests_ = 0;
    bool has_quit_ = false;
};

} // namespace einhyrningsins::ctl
