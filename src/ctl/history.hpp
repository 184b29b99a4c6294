// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>

namespace einhyrningsins::ctl {

/// The shell's history: readline's in memory, and a file that others may not read. Each line is
/// kept at once, so that several shells and a lost terminal do no harm. Where there is no file to
/// be had, the history lasts as long as the shell.
class history {
  public:
    /// Opens the file, without following a link, and gives its lines to readline. Never fails: see
    /// above.
    history();
    ~history();
    history(const history&) = delete;
    history& operator=(const history&) = delete;

    /// Adds a line, unless it repeats the last one, is empty or begins with a blank.
    void add(const std::string& line);

  private:
    int file_ = -1; ///< owned
    std::string last_;
};

} // namespace einhyrningsins::ctl
