// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/commands/upgrade_watch.hpp"

#include "master/commands/audience.hpp"
#include "protocol/reply.hpp"

#include <boost/json/object.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <variant>

namespace einhyrningsins::master {
namespace {

namespace json = boost::json;
using namespace core::report_of;
using protocol::dialect;

/// What a progress bar needs, if the report has it.
std::optional<json::value> progress(const core::report& what) {
    if (auto* begun = std::get_if<upgrade_began>(&what))
        return json::object{{"generation", begun->generation}, {"acked", 0}, {"of", begun->of}};
    if (auto* advanced = std::get_if<upgrade_advanced>(&what))
        return json::object{
            {"generation", advanced->generation}, {"acked", advanced->acked}, {"of", advanced->of}};
    return std::nullopt;
}

} // namespace

/// Passes reports of a group to the watch. When the group drops this, for instance because the
/// group is removed, there is nothing left to wait for.
class upgrade_watch::subscription {
  public:
    subscription(std::shared_ptr<upgrade_watch> watch, const group_runner& runner)
        : watch_(std::move(watch)),
          name_(runner.settings().name),
          earlier_(runner.group().upgrades_asked()) {}
    subscription(const subscription&) = delete;
    subscription& operator=(const subscription&) = delete;
    ~subscription() { watch_->lose(name_); }

    bool hear(const core::report& what) const {
        auto* prepared = std::get_if<upgrade_prepared>(&what);
        bool is_of_another = prepared && prepared->number <= earlier_;
        return is_of_another || watch_->hear(name_, what);
    }

  private:
    std::shared_ptr<upgrade_watch> watch_;
    std::string name_;
    std::uint64_t earlier_; ///< the number of upgrades that were asked for before
};

handoff::watch first_watch(const json::value& id, const dialect& spoken,
                           const std::vector<std::string>& names) {
    return {.id = id,
            .dialect = spoken.name(),
            .groups = names,
            .upgraders = names,
            .many = names.size() > 1};
}

std::shared_ptr<upgrade_watch> upgrade_watch::begin(std::shared_ptr<control_connection> client,
                                                    handoff::watch from,
                                                    const std::vector<group_runner*>& groups) {
    auto watch = std::make_shared<upgrade_watch>(std::move(client), std::move(from));
    watch->observe(groups);
    return watch;
}

std::optional<handoff::watch> upgrade_watch::hand_over() const {
    if (!client_->is_open() || state_.groups.empty()) return std::nullopt;
    handoff::watch into = state_;
    into.fd = client_->descriptor();
    return into;
}

upgrade_watch::upgrade_watch(std::shared_ptr<control_connection> client, handoff::watch from)
    : client_(std::move(client)),
      hold_(client_->hold_open()),
      state_(std::move(from)),
      id_(state_.id),
      spoken_(protocol::dialect_of(state_.dialect)) {}

void upgrade_watch::observe(const std::vector<group_runner*>& groups) {
    for (group_runner* runner : groups) {
        auto heard = std::make_shared<subscription>(shared_from_this(), *runner);
        runner->observe([heard](const core::report& what) { return heard->hear(what); });
    }
    for (const std::string& name : std::vector(state_.groups))
        if (std::ranges::none_of(groups, [&](auto* each) { return each->settings().name == name; }))
            lose(name);
}

bool upgrade_watch::hear(const std::string& group, const core::report& what) {
    if (!client_->is_open()) return false;
    if (is_held(group)) return hear_preparation(group, what);
    if (std::holds_alternative<upgrade_refused>(what) ||
        std::holds_alternative<upgrade_aborted>(what))
        return end(group, false, text(group, what));
    if (spoken_.is_progress(what)) tell_progress(group, what);
    if (!std::holds_alternative<upgrade_done>(what)) return true;
    return end(group, true, prefix(group) + core::to_string(what));
}

bool upgrade_watch::is_held(const std::string& group) const {
    return std::ranges::find(state_.upgraders, group) != state_.upgraders.end();
}

bool upgrade_watch::hear_preparation(const std::string& group, const core::report& what) {
    if (std::holds_alternative<upgrader_began>(what)) tell_progress(group, what);
    if (std::holds_alternative<upgrade_cancelled>(what))
        return end(group, false, text(group, what));
    if (std::holds_alternative<upgrade_prepared>(what)) std::erase(state_.upgraders, group);
    return true;
}

void upgrade_watch::tell_progress(const std::string& group, const core::report& what) {
    protocol::reply line{.message = text(group, what), .data = progress(what), .wait = true};
    tell(line);
}

void upgrade_watch::tell(const protocol::reply& what) {
    master::tell({*client_, id_, spoken_}, what);
}

std::string upgrade_watch::prefix(const std::string& group) const {
    return state_.many ? group + ": " : "";
}

std::string upgrade_watch::text(const std::string& group, const core::report& what) const {
    return prefix(group) + spoken_.describe(what);
}

bool upgrade_watch::end(const std::string& group, bool well, const std::string& text) {
    state_.ok = state_.ok && well;
    if (!state_.outcome.empty()) state_.outcome += "\n";
    state_.outcome += text;
    std::erase(state_.groups, group);
    if (state_.groups.empty()) tell({.message = state_.outcome, .ok = state_.ok});
    return false;
}

/// The group has ended without an outcome.
void upgrade_watch::lose(const std::string& group) {
    if (std::ranges::find(state_.groups, group) == state_.groups.end()) return;
    auto why = spoken_.failure("not upgraded: the group no longer exists");
    end(group, false, prefix(group) + why.message);
}

} // namespace einhyrningsins::master
