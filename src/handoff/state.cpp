// SPDX-License-Identifier: GPL-3.0-or-later
#include "handoff/state.hpp"

#include <algorithm>

namespace einhyrningsins::handoff {
namespace {

/// Shows each descriptor to `visit`, which may change it unless `all` is const.
void each_descriptor(auto& all, auto visit) {
    if (all.lock) visit(all.lock->fd);
    if (all.pidfile) visit(all.pidfile->fd);
    if (all.control) visit(all.control->fd);
    for (auto& one : all.groups) {
        for (auto& each : one.listeners)
            visit(each.fd);
        for (auto& each : one.recipes)
            visit(each.directory);
        if (one.notify) visit(one.notify->fd);
    }
    for (auto& one : all.connections)
        visit(one.fd);
}

} // namespace

std::vector<int> descriptors(const state& all) {
    std::vector<int> every;
    each_descriptor(all, [&](int fd) { every.push_back(fd); });
    return every;
}

void forget(state& all, const std::vector<int>& missing) {
    auto is_missing = [&](int fd) { return std::ranges::find(missing, fd) != missing.end(); };
    auto has_no_client = [&](const auto& one) { return is_missing(one.fd); };
    std::erase_if(all.watches, has_no_client);
    for (wish& one : all.wishes)
        if (is_missing(one.fd)) one.fd = -1;
    std::erase_if(all.connections, has_no_client);
    each_descriptor(all, [&](int& fd) {
        if (is_missing(fd)) fd = -1;
    });
}

} // namespace einhyrningsins::handoff
