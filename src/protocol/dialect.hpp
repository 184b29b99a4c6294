// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "config/personality.hpp"
#include "core/report.hpp"
#include "core/worker.hpp"
#include "protocol/order.hpp"
#include "protocol/reply.hpp"
#include "protocol/request.hpp"

#include <boost/json/object.hpp>
#include <boost/system/result.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace einhyrningsins::protocol {

/// One language of the control socket (SPEC section 8): how requests and answers are written, and
/// the rules of a conversation. Everything that depends on the language is asked of this; what the
/// commands do is in master/commands. Stateless, with one object for each language.
class dialect {
  public:
    virtual ~dialect() = default;
    virtual config::dialect_name name() const = 0;

    // For clients

    /// A request as one line with its newline.
    virtual std::string to_line(const request& what) const = 0;
    /// Reads a line of a master; nothing: it is no answer.
    virtual std::optional<reply> parse_reply(std::string_view line) const = 0;

    // For masters

    /// Whether a JSON object that came in at `where` is a request in this language. It is read by
    /// the first that says so, see parse_request().
    virtual bool takes(const boost::json::object& line, const socket_kind& where) const = 0;
    /// Reads a request. Unknown keys are ignored.
    virtual boost::system::result<request, request_error>
    parse_request(const boost::json::object& line) const = 0;
    /// Checks a request's command and arguments; the error is the answer.
    virtual boost::system::result<order, std::string> parse_order(const request& asked) const {
        return protocol::parse_order(asked);
    }

    /// An answer as one line with its newline. `master` is the process that answers.
    virtual std::string to_line(const reply& what, const reply_id& id,
                                core::process_id master) const = 0;
    /// The line for a client that is not served, whose requests are not even read: a client of any
    /// language finds `message` in it.
    virtual std::string rejection(const std::string& why, core::process_id master) const;

    /// The answer to a line that is no request.
    virtual reply complaint(const request_error& what) const;
    /// Whether a command is answered. If not, the connection is closed in place of an answer.
    virtual bool answers(std::string_view /*command*/) const { return true; }
    /// Whether a connection is for one request, and is closed after its last answer.
    virtual bool is_for_one_request() const { return false; }

    /// The answer to an ack.
    virtual reply acknowledgement() const { return {"Acknowledged!"}; }
    /// The first answer to an upgrade or a reload that has begun; `ours`: in our own words.
    virtual std::string begun(verb /*what*/, std::string ours) const { return ours; }
    /// The last answer to what had begun and has failed.
    virtual reply failure(std::string why) const { return refusal(std::move(why)); }
    /// Whether a client that waits for the end of an upgrade is told of this.
    virtual bool is_progress(const core::report& what) const;
    /// How it is told.
    virtual std::string describe(const core::report& what) const;

  protected:
    dialect() = default;
    dialect(const dialect&) = default;
    dialect& operator=(const dialect&) = default;
};

const dialect& dialect_of(config::dialect_name name);

/// The language of somebody at that socket who has not said anything yet.
const dialect& dialect_at(const socket_kind& where);

/// The language of a line of JSON, or of one that cannot be read, at that socket.
const dialect& json_dialect_at(const socket_kind& where);

// The objects, each in a file of its own.
const dialect& our_dialect();
const dialect& einhorn_dialect();
const dialect& firestarter_dialect();

} // namespace einhyrningsins::protocol
