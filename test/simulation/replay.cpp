// SPDX-License-Identifier: GPL-3.0-or-later
#include "simulation/replay.hpp"

#include "simulation/world.hpp"

namespace einhyrningsins::simulation {

std::optional<outcome> replay(const history& what) {
    try {
        world stage(what);
        for (const step& next : what.steps)
            stage.perform(next);
        stage.finish();
    } catch (const violation& broken) {
        return outcome{broken.name(), broken.what()};
    }
    return std::nullopt;
}

history shorten(history what, const std::string& name) {
    auto still_breaks = [&](const history& shorter) {
        auto how = replay(shorter);
        return how && how->name == name;
    };
    for (std::size_t length = what.steps.size(); length > 0; length /= 2)
        for (std::size_t at = what.steps.size(); at-- > 0;) {
            history shorter = what;
            auto from = shorter.steps.begin() + static_cast<std::ptrdiff_t>(at);
            auto rest = static_cast<std::size_t>(shorter.steps.end() - from);
            shorter.steps.erase(from, from + static_cast<std::ptrdiff_t>(std::min(length, rest)));
            if (still_breaks(shorter)) what = std::move(shorter);
            at = std::min(at, what.steps.size());
        }
    return what;
}

std::string explain(const history& what, const outcome& how) {
    history shortest = shorten(what, how.name);
    world stage(shortest, true);
    std::string reason = how.detail;
    try {
        for (const step& next : shortest.steps)
            stage.perform(next);
        stage.finish();
    } catch (const violation& broken) {
        reason = broken.what();
    }
    return reason + "\n" + to_string(shortest) + stage.trace();
}

} // namespace einhyrningsins::simulation
