// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/upgrade_watch.hpp"

#include "protocol/einhorn_wording.hpp"
#include "protocol/reply.hpp"

#include <boost/json/object.hpp>

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

void upgrade_watch::begin(std::shared_ptr<control_connection> client, const json::value& id,
                          dialect form, const std::vector<group_runner*>& groups) {
    auto watch = std::make_shared<upgrade_watch>(std::move(client), id, form, groups.size());
    for (group_runner* runner : groups)
        runner->observe([watch, name = runner->settings().name](const core::report& what) {
            return watch->hear(name, what);
        });
}

upgrade_watch::upgrade_watch(std::shared_ptr<control_connection> client, const json::value& id,
                             dialect form, std::size_t groups)
    : client_(std::move(client)),
      hold_(client_->hold_open()),
      id_(id),
      form_(form),
      outstanding_(groups),
      many_(groups > 1) {}

/// einhorn tells of every worker that it starts.
bool upgrade_watch::wants(const core::report& what) const {
    return is_worth_telling(what) ||
           (form_ == dialect::einhorn && std::holds_alternative<worker_started>(what));
}

bool upgrade_watch::hear(const std::string& group, const core::report& what) {
    if (!client_->is_open()) return false;
    if (std::holds_alternative<upgrade_aborted>(what)) return end(false, text(group, what));
    if (!std::holds_alternative<upgrade_done>(what)) {
        if (wants(what)) tell_progress(group, what);
        return true;
    }
    if (form_ == dialect::einhorn) tell_progress(group, what); // the version, for one
    return end(true, prefix(group) + core::to_string(what));
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

bool upgrade_watch::end(bool well, const std::string& text) {
    ok_ = ok_ && well;
    if (!outcome_.empty()) outcome_ += "\n";
    outcome_ += text;
    if (--outstanding_ == 0)
        client_->send(protocol::to_line({.message = outcome_, .ok = ok_}, id_, form_));
    return false;
}

} // namespace einhyrningsins::master
