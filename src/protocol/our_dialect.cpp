// SPDX-License-Identifier: GPL-3.0-or-later
//
// Our own language: an object of JSON a line; an answer is a string, or an object for a request
// with an id.
#include "protocol/dialect.hpp"
#include "protocol/json_text.hpp"

namespace einhyrningsins::protocol {
namespace {

namespace json = boost::json;

class ours final : public dialect {
  public:
    config::dialect_name name() const override { return config::dialect_name::einhyrningsins; }

    std::string to_line(const request& what) const override {
        return json_text(to_json(what)) + "\n";
    }

    std::optional<reply> parse_reply(std::string_view line) const override {
        return protocol::parse_reply(line);
    }

    bool takes(const json::object&, const socket_kind&) const override { return true; }

    boost::system::result<request, request_error>
    parse_request(const json::object& line) const override {
        return read_request(line, name());
    }

    std::string to_line(const reply& what, const reply_id& id, core::process_id) const override {
        return protocol::to_line(what, id);
    }
};

} // namespace

const dialect& our_dialect() {
    static const ours object;
    return object;
}

} // namespace einhyrningsins::protocol
