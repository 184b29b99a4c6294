// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "config/settings.hpp"
#include "master/commands/access.hpp"
#include "master/group/group_runner.hpp"

#include <boost/system/result.hpp>

#include <string>
#include <vector>

namespace einhyrningsins::master {

/// The changes from the current groups to those of a file that was read again. prepare() does
/// everything that can fail and can be undone; carrying out the steps cannot fail.
class reconfiguration {
  public:
    /// What must be looked up before prepare() is called with the same arguments.
    static std::vector<os::any_query> queries_of(const group_list& groups,
                                                 const std::vector<config::group_settings>& wishes,
                                                 const surroundings& around);
    /// Binds the new listeners. `names` has the answers to queries_of(). Changes nothing that is
    /// visible from outside. The error has a line for each group that is wrong.
    static boost::system::result<reconfiguration, std::string>
    prepare(const group_list& groups, const std::vector<config::group_settings>& wishes,
            const surroundings& around, os::look_ups names);

    /// What happens to a group.
    enum class fate { unchanged, changed, upgraded, started, added, removed };
    struct step {
        std::string name;
        fate what = fate::unchanged;
        config::group_settings wishes;
        listener_list listeners;
        std::unique_ptr<control_server> control; ///< its own; null: none, or the one it has
    };

    /// In the order of the file, followed by the groups to be removed.
    std::vector<step>& steps() { return steps_; }
    const std::vector<step>& steps() const { return steps_; }
    /// Needed to carry out the steps.
    const os::look_ups& names() const { return names_; }

  private:
    std::vector<step> steps_;
    os::look_ups names_;
};

const char* to_string(reconfiguration::fate what);

/// Returns nullptr if there is no group of that name.
group_runner* find_group(const group_list& groups, const std::string& name);

} // namespace einhyrningsins::master
