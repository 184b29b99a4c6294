// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <boost/describe/enum.hpp>

namespace einhyrningsins::config {

/// The name under which the program runs (SPEC section 2). It determines the command line, and the
/// language of the control socket and the log.
enum class personality { einhyrningsins, einhorn, firestarter };
BOOST_DESCRIBE_ENUM(personality, einhyrningsins, einhorn, firestarter)

/// A language of the control socket (SPEC section 8), see protocol::dialect.
enum class dialect_name { einhyrningsins, einhorn, firestarter };
BOOST_DESCRIBE_ENUM(dialect_name, einhyrningsins, einhorn, firestarter)

/// The differences between the personalities besides their command lines.
struct personality_traits {
    /// What is spoken at the control socket besides our own language. If that is einhorn's,
    /// requests in JSON get its replies: its clients write JSON but expect those.
    dialect_name dialect = dialect_name::einhyrningsins;
    /// Log lines have einhorn's format, and deprecation warnings are errors.
    bool has_short_log_lines = false;
    /// The title of a master without a name shows its command.
    bool titled_by_command = false;
    /// A niceness that the system refuses does not prevent the start.
    bool niceness_is_optional = false;
    /// An upgrade of the workers is preceded by a reload of the master.
    bool reloads_before_upgrades = false;
    /// What workers leave behind in their process groups is left alone.
    bool keeps_leftovers = false;
    /// Each group has a control socket of its own, even if the file does not name one.
    bool has_group_sockets = false;
    /// The options that say where the master's control socket and lock are, for messages.
    const char* place_options = "-c NAME or -d PATH";
    /// The exit code for a wrong command line (SPEC section 2).
    int exit_code_of_misuse = 2;
};

constexpr personality_traits traits_of(personality name) {
    switch (name) {
    case personality::einhyrningsins: break;
    case personality::einhorn:
        return {.dialect = dialect_name::einhorn,
                .has_short_log_lines = true,
                .titled_by_command = true,
                .niceness_is_optional = true,
                .reloads_before_upgrades = true,
                .keeps_leftovers = true,
                .exit_code_of_misuse = 1};
    case personality::firestarter:
        return {.dialect = dialect_name::firestarter,
                .has_group_sockets = true,
                .place_options = "-d PATH"};
    }
    return {};
}

} // namespace einhyrningsins::config
