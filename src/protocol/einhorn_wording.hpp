// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/report.hpp"
#include "core/worker.hpp"
#include "protocol/commands.hpp"
#include "protocol/request.hpp"

#include <boost/json/value.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What einhorn answers, from its lib/einhorn/command/interface.rb. Its users and their scripts
/// know these sentences; everything else that the master says in einhorn's dialect is in our own
/// words. Messages have no newline at the end unless einhorn's have.
namespace einhyrningsins::protocol::einhorn {

/// The version of einhorn that this is taken from.
constexpr const char* version = "0.8.2";

/// The beginning of the last answer to something that has failed, an upgrade for instance.
constexpr const char* failure = "ERROR: ";

/// A value as Ruby's `inspect` shows it, in one line.
std::string inspect(const boost::json::value& value);

/// The answer to a line that is no request, or to a request with a wrong key.
std::string complaint(const request_error& what);

/// The answer to wrong arguments of a command that einhorn has as well; nothing: einhorn would
/// accept them.
std::optional<std::string> complaint(verb what, const request& asked);

/// The answer to `ehlo`. `command_name` is that of -c, and may be empty.
std::string welcome(const std::string& user, core::process_id master,
                    const std::string& command_name);
/// The answer to `help`: the commands that einhorn has.
std::string help();
/// The answer to a command that does not exist.
std::string unrecognized(std::string_view command);

/// The answer to inc, dec and set_workers (`what`), which have changed the number of workers.
std::string resized(verb what, unsigned before, unsigned after);
/// The answer to `dec` when there are only `number` workers left.
std::string cannot_decrease(unsigned number, core::process_id master);

/// The answer to `signal`, which was sent to these workers.
std::string sent(int signal, const std::vector<core::process_id>& to);
/// The answer to `louder` and `quieter`; `level` as einhorn counts, 0 being the loudest.
std::string verbosity(unsigned level);

/// The first answer to `reload`.
constexpr const char* reloading = "Reloading, as commanded";

/// The first answer to `upgrade` and `upgrade_fleet`.
const char* upgrading(verb what);

/// A report, for a client that waits for the end of an upgrade. einhorn's `version` of a worker is
/// our generation minus one.
std::string describe(const core::report& what);

} // namespace einhyrningsins::protocol::einhorn
