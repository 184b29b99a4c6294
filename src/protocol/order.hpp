// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "protocol/commands.hpp"
#include "protocol/request.hpp"

#include <boost/system/result.hpp>

#include <string>
#include <utility>
#include <vector>

namespace einhyrningsins::protocol {

/// A request that was understood.
struct order {
    verb what = verb::help;
    std::string group;        ///< empty: all
    unsigned number = 0;      ///< of set_workers
    std::vector<int> signals; ///< of signal and die
    /// Of config: names of long options, '_' or '-' between words, with the values for each.
    std::vector<std::pair<std::string, std::vector<std::string>>> changes;
    int pid = 0;            ///< of worker:ack and worker:ping; 0: the peer's own
    int signal = 0;         ///< of worker:ack, for the worker that is replaced; 0: the usual one
    std::string request_id; ///< of worker:ping
};

/// Checks command and arguments. `config` is checked for its form alone: which options there are is
/// not known here. The error is for the client and says what would be right.
boost::system::result<order, std::string> parse_order(const request& from);

/// The arguments of `config` as one value: joined with spaces, and read as JSON or else as YAML.
/// Nothing if they are neither.
std::optional<boost::json::value> joined(const std::vector<std::string>& args);

} // namespace einhyrningsins::protocol
