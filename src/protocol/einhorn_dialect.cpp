// SPDX-License-Identifier: GPL-3.0-or-later
//
// einhorn's language: a hash of YAML a line, percent-encoded, or of JSON; an answer is always an
// object with `message`, and what workers say of themselves is not answered.
#include "protocol/dialect.hpp"
#include "protocol/einhorn_reply.hpp"
#include "protocol/einhorn_wording.hpp"
#include "protocol/json_text.hpp"

#include <variant>

namespace einhyrningsins::protocol {
namespace {

namespace json = boost::json;

class einhorns final : public dialect {
  public:
    config::dialect_name name() const override { return config::dialect_name::einhorn; }

    std::string to_line(const request& what) const override {
        return yaml_text(to_json(what)) + "\n";
    }

    std::optional<reply> parse_reply(std::string_view line) const override {
        return parse_einhorn_reply(line);
    }

    bool takes(const json::object&, const socket_kind& where) const override {
        return where.spoken == name();
    }

    boost::system::result<request, request_error>
    parse_request(const json::object& line) const override {
        return read_request(line, name());
    }

    boost::system::result<order, std::string> parse_order(const request& asked) const override {
        using answer = boost::system::result<order, std::string>;
        const command* known = find_command(asked.command);
        auto wrong = known ? einhorn::complaint(known->what, asked)
                           : std::optional(einhorn::unrecognized(asked.command));
        return wrong ? answer(boost::system::in_place_error, *wrong) : protocol::parse_order(asked);
    }

    /// Clients read it with a parser of YAML or of JSON, some of them after percent-decoding.
    std::string to_line(const reply& what, const reply_id& id, core::process_id) const override {
        std::string line = "{\"message\": " + yaml_string(what.message);
        if (id) line += ", \"request_id\": " + yaml_text(*id);
        if (id && what.wait) line += ", \"wait\": true";
        return line + "}\n";
    }

    reply complaint(const request_error& what) const override {
        return refusal(einhorn::complaint(what));
    }

    bool answers(std::string_view command) const override {
        const protocol::command* known = find_command(command);
        return !known || (known->what != verb::worker_ack && known->what != verb::worker_ping);
    }

    std::string begun(verb what, std::string) const override {
        return what == verb::reload ? einhorn::reloading : einhorn::upgrading(what);
    }

    /// There is no `ok` to tell a failure by.
    reply failure(std::string why) const override { return refusal(einhorn::failure + why); }

    /// einhorn tells of every worker that it starts, and of the version at the end.
    bool is_progress(const core::report& what) const override {
        using namespace core::report_of;
        return dialect::is_progress(what) || std::holds_alternative<worker_started>(what) ||
               std::holds_alternative<upgrade_done>(what);
    }

    std::string describe(const core::report& what) const override {
        return einhorn::describe(what);
    }
};

} // namespace

const dialect& einhorn_dialect() {
    static const einhorns object;
    return object;
}

} // namespace einhyrningsins::protocol
