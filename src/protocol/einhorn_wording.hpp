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

/// What einhorn answers. Its users and their scripts know these sentences; everything else that the
/// master says in einhorn's dialect is in our own words.
namespace einhyrningsins::protocol::einhorn {

/// The one whose behaviour this is.
constexpr const char* version = "0.8.2";

/// A value as Ruby's `inspect` shows it.
std::string inspect(const boost::json::value& value);

/// What is said of a line that is no request, or of a request with a wrong key.
std::string complaint(const request_error& what);

/// What is wrong with the arguments of a command that einhorn has too; nothing: they will do, as
/// far as einhorn would look.
std::optional<std::string> complaint(verb what, const request& asked);

/// `command_name` is that of -c, and may be empty.
std::string welcome(const std::string& user, core::process_id master,
                    const std::string& command_name);
std::string help();
std::string unrecognized(std::string_view command);

/// The answer to a change of the number of workers.
std::string resized(verb what, unsigned before, unsigned after);
std::string cannot_decrease(unsigned number, core::process_id master);

std::string sent(int signal, const std::vector<core::process_id>& to);
std::string verbosity(unsigned level);

/// The first answer to `reload`.
constexpr const char* reloading = "Reloading, as commanded";

/// The first answer to `upgrade` and `upgrade_fleet`.
const char* upgrading(verb what);

/// A report for somebody who waits for the end of an upgrade. einhorn's `version` of a worker is
/// our generation less one.
std::string describe(const core::report& what);

} // namespace einhyrningsins::protocol::einhorn
