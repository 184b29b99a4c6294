// SPDX-License-Identifier: GPL-3.0-or-later
//
// firestarter's language, see firestarter.hpp: one request a connection.
#include "protocol/dialect.hpp"
#include "protocol/firestarter.hpp"
#include "protocol/json_text.hpp"

namespace einhyrningsins::protocol {
namespace {

namespace json = boost::json;

class firestarters final : public dialect {
  public:
    config::dialect_name name() const override { return config::dialect_name::firestarter; }

    std::string to_line(const request& what) const override {
        return firestarter::request_line(what);
    }

    std::optional<reply> parse_reply(std::string_view line) const override {
        return firestarter::parse_reply(line);
    }

    bool takes(const json::object& line, const socket_kind& where) const override {
        return firestarter::is_request(line, where);
    }

    boost::system::result<request, request_error>
    parse_request(const json::object& line) const override {
        return firestarter::read_request(line);
    }

    boost::system::result<order, std::string> parse_order(const request& asked) const override {
        return firestarter::read_order(asked);
    }

    std::string to_line(const reply& what, const reply_id& id,
                        core::process_id master) const override {
        reply said{.message = (what.ok ? "" : "error: ") + what.message, .ok = what.ok};
        return json_text(firestarter::entry(said, id, master)) + "\n";
    }

    std::string rejection(const std::string& why, core::process_id master) const override {
        return to_line(refusal(why), std::nullopt, master);
    }

    reply complaint(const request_error& what) const override { return refusal(what.message); }
    bool is_for_one_request() const override { return true; }
    reply acknowledgement() const override { return {firestarter::acknowledged}; }
};

} // namespace

const dialect& firestarter_dialect() {
    static const firestarters object;
    return object;
}

} // namespace einhyrningsins::protocol
