// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/dialect.hpp"

#include "protocol/json_text.hpp"

#include <variant>

namespace einhyrningsins::protocol {

namespace json = boost::json;

std::string dialect::rejection(const std::string& why, core::process_id /*master*/) const {
    return json_text(json::object{{"message", why}, {"ok", false}}) + "\n";
}

reply dialect::complaint(const request_error& what) const {
    return refusal("error: " + what.message);
}

bool dialect::is_progress(const core::report& what) const {
    using namespace core::report_of;
    if (auto* death = std::get_if<worker_died>(&what)) return !death->expected;
    return std::holds_alternative<upgrade_began>(what) ||
           std::holds_alternative<upgrade_advanced>(what) ||
           std::holds_alternative<upgrade_held>(what) ||
           std::holds_alternative<upgrade_overtaken>(what) ||
           std::holds_alternative<upgrade_put_off>(what) ||
           std::holds_alternative<ack_overdue>(what) ||
           std::holds_alternative<start_failed>(what) || std::holds_alternative<backing_off>(what);
}

std::string dialect::describe(const core::report& what) const { return core::to_string(what); }

const dialect& dialect_of(config::dialect_name name) {
    switch (name) {
    case config::dialect_name::einhorn: return einhorn_dialect();
    case config::dialect_name::firestarter: return firestarter_dialect();
    case config::dialect_name::einhyrningsins: break;
    }
    return our_dialect();
}

const dialect& dialect_at(const socket_kind& where) {
    bool is_firestarters = where.is_of_group || where.spoken == config::dialect_name::firestarter;
    return is_firestarters ? firestarter_dialect() : json_dialect_at(where);
}

const dialect& json_dialect_at(const socket_kind& where) {
    return where.spoken == config::dialect_name::einhorn ? einhorn_dialect() : our_dialect();
}

std::string to_line(const request& what) { return dialect_of(what.dialect).to_line(what); }

} // namespace einhyrningsins::protocol
