// SPDX-License-Identifier: GPL-3.0-or-later
#include "handoff/state.hpp"

namespace einhyrningsins::handoff {
namespace {

void append_descriptors(const group& one, std::vector<int>& into) {
    for (const listener& each : one.listeners)
        into.push_back(each.fd);
    for (const recipe& each : one.recipes)
        into.push_back(each.directory);
    if (one.notify) into.push_back(one.notify->fd);
}

} // namespace

std::vector<int> descriptors(const state& all) {
    std::vector<int> every;
    if (all.lock) every.push_back(all.lock->fd);
    if (all.pidfile) every.push_back(all.pidfile->fd);
    if (all.control) every.push_back(all.control->fd);
    for (const group& one : all.groups)
        append_descriptors(one, every);
    for (const connection& one : all.connections)
        every.push_back(one.fd);
    return every;
}

} // namespace einhyrningsins::handoff
