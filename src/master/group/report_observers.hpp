// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/report.hpp"

#include <functional>
#include <list>
#include <string_view>

namespace einhyrningsins::master {

/// Those who hear what a group reports. While an observer hears a report it may cause another one,
/// and add observers.
class report_observers {
  public:
    /// Hears each report; returns whether it wants to hear more.
    using observer = std::function<bool(const core::report&)>;

    report_observers() = default;
    report_observers(const report_observers&) = delete;
    report_observers& operator=(const report_observers&) = delete;

    /// It hears what is told from then on.
    void add(observer hear);
    /// What an observer throws is logged in the name of the group, and the others hear all the
    /// same.
    void tell(std::string_view group, const core::report& report);

  private:
    struct entry {
        observer hear;
        bool has_ended = false;
    };

    std::list<entry> entries_;
    unsigned telling_ = 0; ///< how many calls of tell() are under way
};

} // namespace einhyrningsins::master
