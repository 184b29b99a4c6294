// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "config/settings.hpp"
#include "master/commands/access.hpp"
#include "master/group/group_runner.hpp"

#include <boost/system/result.hpp>

#include <string>
#include <vector>

namespace einhyrningsins::master {

/// The way from the groups that are there to those of a file that was read again: what may fail is
/// done first and can be undone, and the rest cannot fail.
class reconfiguration {
  public:
    /// Looks for programs and binds what is new. Changes nothing that is seen from outside; the
    /// error, a line for each group at fault, says why it cannot be done.
    static boost::system::result<reconfiguration, std::string>
    prepare(const group_list& groups, const std::vector<config::group_settings>& wishes,
            const surroundings& around);

    /// How a group fares.
    enum class fate { unchanged, changed, upgraded, started, added, removed };
    struct step {
        std::string name;
        fate what = fate::unchanged;
        config::group_settings wishes;
        listener_set listeners;
        std::unique_ptr<control_server> control; ///< its own; null: it has none, or that it has
    };

    /// In the order of the file; removed groups at the end.
    std::vector<step>& steps() { return steps_; }
    const std::vector<step>& steps() const { return steps_; }

  private:
    std::vector<step> steps_;
};

const char* to_string(reconfiguration::fate what);

/// The group of that name; nullptr if there is none.
group_runner* find_group(const group_list& groups, const std::string& name);

} // namespace einhyrningsins::master
