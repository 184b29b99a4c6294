// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ctl/client.hpp"
#include "ctl/command_text.hpp"
#include "ctl/exit_code.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace einhyrningsins::ctl {

/// Sets the name of the program that complain() prints: a literal; "einhyrningsinsctl" at first.
void set_program_name(const char* name);

/// Prints "PROGRAM: " and `what` on standard error, after everything that standard output has been
/// given. Answers of a master may have several lines; whatever a user has written is quoted.
void complain(std::string_view what);

/// How answers are shown.
struct display {
    bool json = false;     ///< as lines of JSON, as they come
    bool terminal = false; ///< standard output is a terminal that can draw a progress bar
    bool colour = false;   ///< the status table may be coloured
};

/// Gives commands to the master and shows what it answers: good news on standard output, bad news
/// on standard error.
class console {
  public:
    /// `group`: the group that all commands mean, unless they name one; empty: all groups. `master`
    /// has to outlive the console.
    console(client& master, std::string group, display how)
        : master_(master),
          group_(std::move(group)),
          how_(how) {}

    /// Gives commands one after the other, also when one fails, and returns the gravest result. If
    /// the name of one is unknown nothing is sent; when the master cannot be reached the rest is
    /// left out.
    exit_code run_all(const std::vector<command_words>& commands);

    /// The same with a text, see parse_commands(); exit_code::wrong_usage if it cannot be read.
    exit_code run_text(std::string_view text);

  private:
    exit_code run(const command_words& words);
    protocol::request request_of(const command_words& words) const;
    void show_last(const command_words& words, const protocol::reply& last) const;

    client& master_;
    std::string group_;
    display how_;
};

} // namespace einhyrningsins::ctl
