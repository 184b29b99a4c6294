// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/commands/upgrade_commands.hpp"

#include "master/commands/access.hpp"
#include "master/commands/outcome.hpp"
#include "master/commands/status.hpp"
#include "master/commands/upgrade_watch.hpp"
#include "master/master.hpp"
#include "protocol/einhorn_wording.hpp"
#include "protocol/version.hpp"

#include <algorithm>
#include <iterator>

namespace einhyrningsins::master {
namespace {

namespace einhorn = protocol::einhorn;
using protocol::dialect;
using protocol::refusal;
using protocol::reply;

core::upgrade_mode mode_of(const protocol::order& what) {
    return what.what == protocol::verb::upgrade ? core::upgrade_mode::rolling
                                                : core::upgrade_mode::fleet;
}

/// What becomes of the groups, a line each, but for those that stay as they are.
std::string tell(const reconfiguration& what) {
    std::string text;
    std::size_t unchanged = 0;
    for (const reconfiguration::step& one : what.steps())
        if (one.what == reconfiguration::fate::unchanged)
            ++unchanged;
        else
            text += one.name + ": " + to_string(one.what) + "\n";
    return text + (text.empty() ? "nothing is new" : count_of(unchanged, "group") + " unchanged");
}

/// Begins the upgrade of one group, and says so.
outcome begin_upgrade(group_runner& runner, core::upgrade_mode mode) {
    if (auto why = why_not_upgradable(runner.group()); !why.empty()) return {"left alone: " + why};
    runner.request_upgrade(mode);
    return {std::string(runner.has_upgrader() ? "running the upgrader, then " : "") + "upgrading " +
            count_of(worker_number(runner), "worker") + ", " + to_string(mode)};
}

group_selection upgradable(const group_selection& groups) {
    group_selection able;
    std::ranges::copy_if(groups, std::back_inserter(able),
                         [](const group_runner* runner) { return runner->group().can_upgrade(); });
    return able;
}

} // namespace

reply upgrade_commands::upgrade(const protocol::order& what, const group_selection& groups,
                                const audience& who) {
    if (master_.is_stopping()) return refusal("the master is stopping");
    group_selection able = upgradable(groups);
    if (able.empty())
        return refusal(groups[0]->settings().name + " is " +
                       why_not_upgradable(groups[0]->group()));
    if (master_.reloads_before_upgrades()) return reload_before_upgrade(what, able, who);
    if (who.id)
        watches_.add(upgrade_watch::begin(who.client.shared_from_this(), *who.id, who.form, able));
    reply answer = for_each(
        groups, [&](group_runner& runner) { return begin_upgrade(runner, mode_of(what)); });
    if (who.form == dialect::einhorn) answer.message = einhorn::upgrading(what.what);
    answer.wait = who.id.has_value();
    return answer;
}

reply upgrade_commands::reload_before_upgrade(const protocol::order& what,
                                              const group_selection& groups, const audience& who) {
    core::upgrade_mode mode = mode_of(what);
    handoff::wish wish{.upgrade = mode};
    for (const group_runner* runner : groups)
        wish.groups.push_back(runner->settings().name);
    std::string ours = std::string("reloading the master, then upgrading, ") + to_string(mode);
    return reload_for(std::move(wish),
                      who.form == dialect::einhorn ? einhorn::upgrading(what.what) : ours, who);
}

reply upgrade_commands::reload(const audience& who) {
    bool einhorn = who.form == dialect::einhorn;
    return reload_for({}, einhorn ? einhorn::reloading : "reloading the master", who);
}

reply upgrade_commands::reload_for(handoff::wish wish, std::string answer, const audience& who) {
    if (master_.is_stopping()) return refusal("the master is stopping");
    if (who.id) wish.id = *who.id;
    wish.einhorn = who.form == dialect::einhorn;
    master_.reload_for(std::move(wish), who.id ? who.client.shared_from_this() : nullptr);
    return {.message = std::move(answer), .wait = who.id.has_value()};
}

reply upgrade_commands::reload_config(const audience& who) {
    if (master_.is_stopping()) return refusal("the master is stopping");
    auto done = master_.read_file_again();
    if (!done) return refusal(done.error());
    reply answer{.message = tell(*done)};
    group_selection upgrading = master_.carry_out(*done);
    answer.wait = who.id && !upgrading.empty();
    if (answer.wait)
        watches_.add(
            upgrade_watch::begin(who.client.shared_from_this(), *who.id, who.form, upgrading));
    for (group_runner* runner : upgrading)
        runner->request_upgrade(core::upgrade_mode::rolling);
    return answer;
}

void upgrade_commands::upgrade_after_reload(const handoff::wish& what,
                                            const group_selection& groups,
                                            std::shared_ptr<control_connection> client) {
    dialect form = protocol::dialect_for(what.einhorn);
    if (client) watches_.add(upgrade_watch::begin(std::move(client), what.id, form, groups));
    for (group_runner* runner : groups)
        runner->request_upgrade(*what.upgrade);
}

void upgrade_commands::tell_reloaded(const handoff::wish& what, control_connection& client) const {
    reply answer{.message = std::string("reloaded: einhyrningsins ") + protocol::version};
    client.send(protocol::to_line(answer, what.id, protocol::dialect_for(what.einhorn)));
}

void upgrade_commands::hand_over(handoff::state& into) const { watches_.hand_over(into.watches); }

void upgrade_commands::take_over(const handoff::state& from, const client_map& clients) {
    for (const handoff::watch& one : from.watches)
        watches_.add(upgrade_watch::take_over(one, clients.at(one.fd),
                                              select(master_.groups(), one.groups)));
}

} // namespace einhyrningsins::master
