// SPDX-License-Identifier: GPL-3.0-or-later
#include "handoff/first_state.hpp"

#include <utility>

namespace einhyrningsins::handoff {
namespace {

core::severity log_level(config::verbosity wanted) {
    switch (wanted) {
    case config::verbosity::quiet: return core::severity::error;
    case config::verbosity::normal: break;
    case config::verbosity::verbose: return core::severity::debug;
    }
    return core::severity::info;
}

} // namespace

state first_state(config::settings settings, std::string working_directory, core::time_point now) {
    state all{.master = std::move(settings.master),
              .working_directory = std::move(working_directory),
              .started_at = now};
    all.log_level = log_level(all.master.verbosity);
    for (config::group_settings& each : settings.groups)
        all.groups.push_back(first_state(std::move(each)));
    return all;
}

group first_state(config::group_settings settings) {
    group made{.trouble = "it has not been opened"};
    made.state.wishes = settings.policy;
    made.settings = std::move(settings);
    return made;
}

} // namespace einhyrningsins::handoff
