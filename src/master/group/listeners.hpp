// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "config/settings.hpp"
#include "handoff/state.hpp"
#include "master/control/socket_files.hpp"
#include "model/listener.hpp"
#include "os/listen.hpp"

#include <memory>
#include <string>
#include <vector>

namespace einhyrningsins::master {

/// An open listener. Shared by the group and its releases; closed by the last of them.
struct listener {
    os::unique_fd fd;
    model::listener facts;                          ///< without the descriptor and the file
    std::shared_ptr<const model::socket_file> file; ///< if it has one; removed by the last owner
};

using shared_listener = std::shared_ptr<const listener>;
/// In the order in which workers get them.
using listener_list = std::vector<shared_listener>;

/// Those of a group's state. One that was lost (-1) is bound again if possible, else that is logged
/// and it is left out.
listener_list take_over_listeners(const handoff::group& from, socket_files& files);
/// Those that only older generations use. One that was lost is left out.
listener_list take_over_old_listeners(const handoff::group& from, socket_files& files);
/// The same listeners for another master.
std::vector<model::listener> hand_over(const listener_list& open);

/// Opens all that `settings` ask for, or none. A socket that is open already is not bound anew,
/// whatever its options are: those of the group itself (`own`) are used first, then those that
/// other groups have `released`; the latter are taken out if they are used. `names` has the answers
/// to queries_of(). The error is one line that names the SPEC.
boost::system::result<listener_list, std::string>
open_listeners(const config::group_settings& settings, listener_list own, listener_list& released,
               const os::look_ups& names, socket_files& files);
/// What has to be looked up before open_listeners() with the same arguments, and before
/// change_options(): of hosts, only those whose listeners are not open yet. Takes what is used out
/// of `released`, as open_listeners() does.
std::vector<os::any_query> queries_of(const config::group_settings& settings, listener_list own,
                                      listener_list& released);
/// Those of `open` that `settings` do not ask for.
listener_list released_by(const config::group_settings& settings, listener_list open);
/// Gives all of them the options that `settings` ask for. Each error names the address.
std::vector<std::string> change_options(const listener_list& open,
                                        const config::group_settings& settings,
                                        const os::look_ups& names);

bool has(const listener_list& list, const shared_listener& listener);
std::vector<int> descriptors_of(const listener_list& list);
/// Those with these descriptors; empty unless all of them are there.
listener_list with_descriptors(const listener_list& list, const std::vector<int>& descriptors);

} // namespace einhyrningsins::master
