// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "config/settings.hpp"
#include "handoff/state.hpp"
#include "os/listen.hpp"

#include <memory>
#include <string>
#include <vector>

namespace einhyrningsins::master {

/// A listener that is open. Its file, if it has one, is removed with the last that names it.
struct listener {
    os::opened_listener open; ///< without the file
    std::shared_ptr<const os::socket_file> file;
    std::string wish; ///< see wish_of
};

/// What a listener is opened for: the SPEC, and the family if only one is wanted.
std::string wish_of(const config::bind_spec& spec, config::ip_family family);

/// The listeners of one group, in the order in which its workers get them.
class listener_set {
  public:
    using list_type = std::vector<std::shared_ptr<const listener>>;
    using opened = boost::system::result<listener_set, std::string>;

    /// Opens all that `wishes` ask for, or none. What is open already is not bound anew, whatever
    /// its options are: `own`, of the same group before, and what other groups have `released` are
    /// looked through, and what is used of the latter is taken out. The error is one line that
    /// names the SPEC.
    static opened open(const config::group_settings& wishes, const listener_set& own,
                       list_type& released);
    /// Those that `wishes` do not ask for any more.
    list_type released_by(const config::group_settings& wishes) const;
    /// Gives all of them the options that `wishes` ask for; the errors name the address.
    std::vector<std::string> change_options(const config::group_settings& wishes) const;

    /// Those of another master. One that was closed on the way is bound again if possible, else
    /// reported and left out.
    static listener_set take_over(const handoff::group& from);
    void hand_over(handoff::group& into) const;

    const list_type& list() const { return current_; }
    std::vector<int> descriptors() const;
    /// Whether all of them are of this set, as it is or as it was.
    bool has(const std::vector<int>& descriptors) const;
    /// Those that have these descriptors.
    list_type with(const std::vector<int>& descriptors) const;

    /// From now on new generations get those of `fresh`. What is in it no more stays open for older
    /// generations.
    void replace(listener_set fresh);
    /// Closes the old ones that are not among the descriptors `in_use`.
    void forget_old(const std::vector<int>& in_use);
    bool has_old() const { return !old_.empty(); }

  private:
    list_type current_;
    list_type old_; ///< that workers of older generations may still need
};

} // namespace einhyrningsins::master
