// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ctl/client.hpp"
#include "ctl/command_text.hpp"
#include "ctl/exit_code.hpp"

#include <string_view>

namespace einhyrningsins::ctl {

/// Gives commands to a master that may be einhorn itself, and prints each answer on standard output
/// as it comes. The master decides which commands there are.
class einhorn_console {
  public:
    /// `master` has to outlive the console.
    explicit einhorn_console(client& master) : master_(master) {}

    /// Has the master introduce itself (`ehlo`), on standard error. Returns whether it has.
    exit_code greet();

    /// Gives the commands of one text, see parse_commands(), until one is `quit` or `exit`, or the
    /// master cannot be reached. Returns the gravest result; exit_code::wrong_usage if the text
    /// cannot be read.
    exit_code run_text(std::string_view text);

    /// Whether the last text has ended with `quit` or `exit`.
    bool has_quit() const { return has_quit_; }

  private:
    exit_code run(const command_words& words);

    client& master_;
    int requests_ = 0;
    bool has_quit_ = false;
};

} // namespace einhyrningsins::ctl
