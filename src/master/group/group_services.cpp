// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/group/group_services.hpp"

#include "master/group/auto_upgrade.hpp"
#include "master/group/demand_watch.hpp"

namespace einhyrningsins::master {

group_services::group_services(const group_context& of, const handoff::group& from)
    : notify_(add<notify_watch>(of, from)),
      upgrades_(add<upgrade_requests>(of, *this, from)),
      stop_command_(add<stop_command>(of, *this, from)),
      live_check_(add<live_check>(of, from)) {
    add<auto_upgrade>(of, upgrades_, from);
    add<demand_watch>(of);
}

void group_services::open() {
    for (const auto& part : parts_)
        part->open();
}

void group_services::tend() {
    for (const auto& part : parts_)
        part->tend();
}

void group_services::hear(const core::event_type& event) {
    for (const auto& part : parts_)
        part->hear(event);
}

void group_services::begin_generation() {
    for (const auto& part : parts_)
        part->begin_generation();
}

void group_services::hand_over(handoff::group& into) const {
    for (const auto& part : parts_)
        part->hand_over(into);
}

os::result<void> group_services::prepare_worker(unsigned index, uid_t user) {
    for (const auto& part : parts_)
        if (auto prepared = part->prepare_worker(index, user); !prepared) return prepared;
    return {};
}

bool group_services::hear_death(const os::reaped& child) {
    for (const auto& part : parts_)
        if (part->hear_death(child)) return true;
    return false;
}

std::vector<const helper_process*> group_services::helpers() const {
    std::vector<const helper_process*> running;
    for (const auto& part : parts_)
        if (const helper_process* process = part->process()) running.push_back(process);
    return running;
}

} // namespace einhyrningsins::master
