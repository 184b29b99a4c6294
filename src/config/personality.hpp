// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

namespace einhyrningsins::config {

/// The name that the program goes by (SPEC section 2): whose grammar it reads, and whose language
/// it speaks at its control socket and in its log.
enum class personality { einhyrningsins, einhorn, firestarter };

/// What the personalities do differently, beside their grammars.
struct personality_traits {
    /// Requests in JSON get einhorn's replies: its clients write JSON, and understand nothing else.
    bool replies_as_einhorn = false;
    /// Lines of the log are einhorn's, and what is deprecated is an error there.
    bool logs_as_einhorn = false;
    /// A master without a name is shown by what it runs.
    bool titled_by_command = false;
    /// A niceness that it may not have is no reason not to start.
    bool niceness_is_optional = false;
    /// An upgrade of the workers is preceded by a reload of the master.
    bool reloads_before_upgrades = false;
    /// The control sockets are firestarter's: one for all groups, and one for each.
    bool serves_firestarter = false;
};

constexpr personality_traits traits_of(personality who) {
    switch (who) {
    case personality::einhyrningsins: break;
    case personality::einhorn:
        return {.replies_as_einhorn = true,
                .logs_as_einhorn = true,
                .titled_by_command = true,
                .niceness_is_optional = true,
                .reloads_before_upgrades = true};
    case personality::firestarter: return {.serves_firestarter = true};
    }
    return {};
}

} // namespace einhyrningsins::config
