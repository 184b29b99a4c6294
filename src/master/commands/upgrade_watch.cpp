// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/commands/upgrade_watch.hpp"

#include "protocol/einhorn_wording.hpp"
#include "protocol/reply.hpp"

#include <boost/json/object.hpp>

#include <algorithm>
#include <optional>
#include <variant>

namespace einhyrningsins::master {
namespace {

namespace json = boost::json;
using namespace core::report_of;
using protocol::dialect;

/// What a progress bar needs, for those reports that have it.
std::optional<json::value> progress(const core::report& what) {
    if (auto* begun = std::get_if<upgrade_began>(&what))
        return json::object{{"generation", begun->generation}, {"acked", 0}, {"of", begun->of}};
    if (auto* advanced = std::get_if<upgrade_advanced>(&what))
        return json::object{
            {"generation", advanced->generation}, {"acked", advanced->acked}, {"of", advanced->of}};
    return std::nullopt;
}

/// Whether somebody who waits for an upgrade wants to know.
bool is_worth_telling(const core::report& what) {
    if (auto* death = std::get_if<worker_died>(&what)) return !death->expected;
    return std::holds_alternative<upgrade_began>(what) ||
           std::holds_alternative<upgrade_advanced>(what) ||
           std::holds_alternative<upgrade_held>(what) ||
           std::holds_alternative<upgrade_overtaken>(what) ||
           std::holds_alternative<ack_overdue>(what) ||
           std::holds_alternative<start_failed>(what) || std::holds_alternative<backing_off>(what);
}

} // namespace

std::shared_ptr<upgrade_watch> upgrade_watch::begin(std::shared_ptr<control_connection> client,
                                                    const json::value& id, dialect form,
                                                    const std::vector<group_runner*>& groups) {
    auto watch = std::make_shared<upgrade_watch>(std::move(client));
    watch->id_ = id;
    watch->form_ = form;
    watch->many_ = groups.size() > 1;
    for (const group_runner* runner : groups)
        if (runner->has_upgrader()) watch->held_.push_back(runner->settings().name);
    watch->observe(groups);
    return watch;
}

std::shared_ptr<upgrade_watch> upgrade_watch::take_over(const handoff::watch& from,
                                                        std::shared_ptr<control_connection> client,
                                                        const std::vector<group_runner*>& groups) {
    auto watch = std::make_shared<upgrade_watch>(std::move(client));
    watch->id_ = from.id;
    watch->form_ = protocol::dialect_for(from.einhorn);
    watch->many_ = from.many;
    watch->held_ = from.upgraders;
    watch->ok_ = from.ok;
    watch->outcome_ = from.outcome;
    watch->observe(groups);
    return watch;
}

std::optional<handoff::watch> upgrade_watch::hand_over() const {
    if (!client_->is_open() || outstanding_.empty()) return std::nullopt;
    return handoff::watch{.fd = client_->descriptor(),
                          .id = id_,
                          .einhorn = form_ == dialect::einhorn,
                          .groups = outstanding_,
                          .upgraders = held_,
                          .many = many_,
                          .ok = ok_,
                          .outcome = outcome_};
}

upgrade_watch::upgrade_watch(std::shared_ptr<control_connection> client)
    : client_(std::move(client)),
      hold_(client_->hold_open()) {}

void upgrade_watch::observe(const std::vector<group_runner*>& groups) {
    for (group_runner* runner : groups) {
        const std::string& name = runner->settings().name;
        outstanding_.push_back(name);
        runner->observe([watch = shared_from_this(), name](const core::report& what) {
            return watch->hear(name, what);
        });
    }
}

/// einhorn tells of every worker that it starts.
bool upgrade_watch::wants(const core::report& what) const {
    return is_worth_telling(what) ||
           (form_ == dialect::einhorn && std::holds_alternative<worker_started>(what));
}

bool upgrade_watch::hear(const std::string& group, const core::report& what) {
    if (!client_->is_open()) return false;
    if (is_held(group)) return hear_upgrader(group, what);
    if (std::holds_alternative<upgrade_aborted>(what)) return end(group, false, text(group, what));
    if (!std::holds_alternative<upgrade_done>(what)) {
        if (wants(what)) tell_progress(group, what);
        return true;
    }
    if (form_ == dialect::einhorn) tell_progress(group, what); // the version, for one
    return end(group, true, prefix(group) + core::to_string(what));
}

bool upgrade_watch::is_held(const std::string& group) const {
    return std::ranges::find(held_, group) != held_.end();
}

bool upgrade_watch::hear_upgrader(const std::string& group, const core::report& what) {
    if (std::holds_alternative<upgrader_began>(what)) tell_progress(group, what);
    if (std::holds_alternative<upgrade_cancelled>(what))
        return end(group, false, text(group, what));
    if (std::holds_alternative<upgrader_done>(what)) std::erase(held_, group);
    return true;
}

void upgrade_watch::tell_progress(const std::string& group, const core::report& what) {
    protocol::reply line{.message = text(group, what), .data = progress(what), .wait = true};
    client_->send(to_line(line, id_, form_));
}

std::string upgrade_watch::prefix(const std::string& group) const {
    return many_ ? group + ": " : "";
}

std::string upgrade_watch::text(const std::string& group, const core::report& what) const {
    bool einhorn = form_ == dialect::einhorn;
    return prefix(group) + (einhorn ? protocol::einhorn::describe(what) : core::to_string(what));
}

bool upgrade_watch::end(const std::string& group, bool well, const std::string& text) {
    ok_ = ok_ && well;
    if (!outcome_.empty()) outcome_ += "\n";
    outcome_ += text;
    std::erase(outstanding_, group);
    if (outstanding_.empty())
        client_->send(protocol::to_line({.message = outcome_, .ok = ok_}, id_, form_));
    return false;
}

} // namespace einhyrningsins::master
