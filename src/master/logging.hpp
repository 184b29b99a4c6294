// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "config/settings.hpp"
#include "core/report.hpp"
#include "core/time.hpp"
#include "os/os_error.hpp"

#include <boost/asio/io_context.hpp>

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace einhyrningsins::master {

/// Sends log lines to standard error in the format that `wishes` name, and warnings and errors to
/// the syslog daemon if they say so. `context` carries what standard error
/// does not take at once; it must outlive all logging.
void set_up_logging(boost::asio::io_context& context, const config::master_settings& wishes);

/// Stops logging; must be called before the context is destroyed. Waits up to 2 seconds for a file
/// that standard error is.
void end_logging();

/// Calls `settled` as soon as no helper thread writes to standard error, or with an error if one
/// still does after `longest`. From now on lines are only kept, for unwritten_log(), until
/// resume_log().
void settle_log(core::duration longest, std::function<void(os::result<void>)> settled);
void resume_log();

/// Lines that standard error has not taken yet, for another master to write.
std::string unwritten_log();
/// The number of lines that were dropped, and are not told of yet.
std::size_t dropped_log_lines();
/// Continues the log of another master, before the first line of this one: writes what it has left,
/// as it is, and tells of the lines that it has dropped.
void continue_log(std::string_view unwritten, std::size_t dropped);

/// "debug", "info", "warning", "error".
const char* level_name(core::severity level);

/// The least severity that is logged. Changes at run time with the commands louder and quieter.
core::severity log_level();
void set_log_level(core::severity least);

/// What a line is about besides its text: attributes of the record, which JSON shows as members.
/// What does not apply is left out.
struct log_subject {
    std::string_view group = {}; ///< empty: the master itself
    core::subject of = {};       ///< the event, and the worker it is about
};

/// Logs one line. `text` and the group's name may contain any bytes: every sink gets them in one
/// line of UTF-8. To be called by the thread of the loop. A line for which there is no memory is
/// dropped, and counted like those that standard error does not take: none of these functions
/// throws, so that they can report any exception.
void log(core::severity severity, const log_subject& about, std::string_view text) noexcept;
void log(core::severity severity, std::string_view group, std::string_view text) noexcept;

/// Logs what has happened in a group.
void log(std::string_view group, const core::report& report) noexcept;

/// Logs, as an error or a warning depending on the personality, that something is deprecated.
void log_deprecation(std::string_view text) noexcept;

/// Logs an exception that nothing else has handled, and that the master continues. `why`: its text.
void log_unexpected(std::string_view group, const char* why) noexcept;

/// Runs `deed`. An exception of any kind goes no further, so that what comes after `deed` is done
/// all the same: it is logged, and its text returned. Nothing: there was none.
std::optional<std::string> attempt(std::string_view group,
                                   const std::function<void()>& deed) noexcept;

} // namespace einhyrningsins::master
