// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/group/demand_watch.hpp"

#include <utility>

namespace einhyrningsins::master {

demand_watch::demand_watch(const group_context& of)
    : of_(of),
      clients_(of.loop, [this] { on_client(); }) {}

void demand_watch::tend() {
    if (!of_.group.awaits_demand()) return end();
    if (set_) return;
    auto begun = begin();
    if (begun) return;
    end();
    of_.log(core::severity::error, begun.error().message() + "; starting now");
    of_.notice(core::event::demanded{});
}

os::result<void> demand_watch::begin() {
    auto set = os::readable_set::make();
    if (!set) return set.error();
    set_.emplace(std::move(*set));
    for (int listener : descriptors_of(of_.listeners))
        if (!set_->add(listener)) return os::last_error("watching for the first client");
    return clients_.watch(set_->fd());
}

void demand_watch::end() {
    clients_.cancel();
    set_.reset();
}

void demand_watch::on_client() {
    end();
    of_.notice(core::event::demanded{});
}

} // namespace einhyrningsins::master
