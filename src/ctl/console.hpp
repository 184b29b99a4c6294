// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ctl/client.hpp"
#include "ctl/command_text.hpp"
#include "ctl/exit_code.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace einhyrningsins::ctl {

/// The name that this program goes by; "einhyrningsinsctl" before anybody says otherwise.
void set_program_name(const char* name);

/// Prints one line on standard error, with the name of the program.
void complain(std::string_view what);

/// How answers are shown.
struct display {
    bool json = false;     ///< as they come
    bool terminal = false; ///< standard output can draw a bar
    bool colour = false;
};

/// Gives commands to the master and shows what it answers: good news on standard output, bad news
/// on standard error.
class console {
  public:
    /// `group`: the group that all commands mean; empty: all groups.
    console(client& master, std::string group, display how)
        : master_(master),
          group_(std::move(group)),
          how_(how) {}

    /// Gives one command and waits for its end.
    exit_code run(const command_words& words);

    /// Gives all of them, also when one fails, and returns the gravest result; but nothing is sent
    /// if the name of one is unknown, and nothing more once the master cannot be reached.
    exit_code run(const std::vector<command_words>& commands);

    /// The same with a text, see parse_commands().
    exit_code run_text(std::string_view text);

  private:
    protocol::request request_of(const command_words& words) const;
    void show_last(const command_words& words, const protocol::reply& last) const;

    client& master_;
    std::string group_;
    display how_;
};

} // namespace einhyrningsins::ctl
