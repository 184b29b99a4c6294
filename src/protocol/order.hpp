// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "protocol/commands.hpp"
#include "protocol/request.hpp"

#include <boost/system/result.hpp>

#include <string>
#include <utility>
#include <vector>

namespace einhyrningsins::protocol {

/// A request that was understood: a command with arguments of the right form.
struct order {
    verb what = verb::help;
    std::string group;        ///< empty: all; not checked
    unsigned number = 0;      ///< of set_workers, from 1 to 10000
    std::vector<int> signals; ///< of signal, some; of die, at most one
    /// Of config: names of long options, '_' or '-' between words, with the values for each.
    std::vector<std::pair<std::string, std::vector<std::string>>> changes;
    int pid = 0;            ///< of worker:ack and worker:ping; 0: the peer's own
    int signal = 0;         ///< of worker:ack, for the worker that is replaced; 0: the usual one
    std::string request_id; ///< of worker:ping
};

/// Reads the command and the arguments of a request (SPEC section 8). Only the form of `config` is
/// checked, not its options. The error is for the client and says what would be right.
boost::system::result<order, std::string> parse_order(const request& from);

/// The arguments of `config` as one value: joined with blanks, and read as JSON or else as YAML.
/// Nothing: they are neither.
std::optional<boost::json::value> joined(const std::vector<std::string>& args);

} // namespace einhyrningsins::protocol
