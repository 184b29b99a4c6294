// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/refusal_log.hpp"

namespace einhyrningsins::master {
namespace {

std::string name_of(unsigned user) { return "user " + std::to_string(user); }

} // namespace

std::vector<std::string> refusal_log::note(unsigned user, const std::string& text,
                                           core::time_point now) {
    share& own = share_of(user, now);
    std::vector<std::string> lines;
    if (own.refusals == 0 || now - own.since >= period) {
        if (own.refusals > lines_a_period)
            lines.push_back(std::to_string(own.refusals - lines_a_period) +
                            " earlier refusals were not logged");
        own = {now, 0};
    }
    if (++own.refusals > lines_a_period) return lines;
    lines.push_back(text);
    if (own.refusals == lines_a_period)
        lines.push_back("further refusals of " + name_of(user) +
                        " are not logged for some seconds");
    return lines;
}

refusal_log::share& refusal_log::share_of(unsigned user, core::time_point now) {
    auto known = shares_.find(user);
    if (known != shares_.end()) return known->second;
    if (shares_.size() >= most_users)
        std::erase_if(shares_, [&](const auto& one) { return now - one.second.since >= period; });
    return shares_.size() < most_users ? shares_[user] : others_;
}

} // namespace einhyrningsins::master
