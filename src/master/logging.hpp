// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "config/settings.hpp"
#include "core/report.hpp"

#include <boost/asio/io_context.hpp>

#include <string_view>

namespace einhyrningsins::master {

/// Sends log lines to standard error in the format and from the severity that `wishes` name, and
/// warnings and errors to syslog(3) if they say so. `context` carries what standard error does not
/// take at once; it must outlive all logging.
void set_up_logging(boost::asio::io_context& context, const config::master_settings& wishes);

/// Stops logging: to be called before the context goes.
void end_logging();

/// Lines that standard error has not taken yet, for another master to write.
std::string unwritten_log();
/// Writes what another master has left, as it is.
void write_log(std::string_view lines);

/// "debug", "info", "warning", "error".
const char* level_name(core::severity level);

/// The least severity that is logged. Changes at run time with the commands louder and quieter.
core::severity log_level();
void set_log_level(core::severity least);

/// Logs, as gravely as the personality has it, that something will not be understood for ever.
void log_deprecation(std::string_view text);

/// Logs one line. `group` names whom it is about; empty: the master itself.
void log(core::severity severity, std::string_view group, std::string_view text);

} // namespace einhyrningsins::master
