// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/commands/einhorn_commands.hpp"

#include "master/commands/einhorn_state.hpp"
#include "master/commands/group_changes.hpp"
#include "master/logging.hpp"
#include "master/master.hpp"
#include "protocol/einhorn_wording.hpp"

#include <algorithm>
#include <array>

namespace einhyrningsins::master {
namespace {

namespace einhorn = protocol::einhorn;
using core::severity;
using protocol::refusal;
using protocol::reply;
using protocol::verb;

/// Does `deed` to each group, and says what came of it; of several groups, for which.
template <class Deed>
reply for_each(const group_selection& groups, Deed deed) {
    reply all;
    for (group_runner* runner : groups) {
        if (!all.message.empty()) all.message += "\n";
        if (groups.size() > 1) all.message += runner->settings().name + ": ";
        all.message += deed(*runner);
    }
    return all;
}

} // namespace

std::optional<reply> einhorn_commands::carry_out(const order& what, const protocol::request& asked,
                                                 const group_selection& groups,
                                                 const audience& who) {
    switch (what.what) {
    case verb::ehlo:
        return reply{einhorn::welcome(asked.user, master_.around().master_pid,
                                      master_.settings().master.command_name)};
    case verb::help: return reply{einhorn::help()};
    case verb::state: return reply{einhorn_state(take_view(master_, groups))};
    case verb::dec: return decrease(what, groups);
    case verb::inc:
    case verb::set_workers: return resize(what, groups);
    case verb::signal: return forward(what.signals, groups);
    case verb::die: return die(what, groups);
    case verb::config: return change(what, asked, groups);
    case verb::louder: return change_level(-1);
    case verb::quieter: return change_level(+1);
    default: return group_commands::carry_out(what, asked, groups, who);
    }
}

reply einhorn_commands::decrease(const order& what, const group_selection& groups) {
    for (const group_runner* runner : groups)
        if (worker_number(*runner) <= 1)
            return refusal(
                einhorn::cannot_decrease(worker_number(*runner), master_.around().master_pid));
    return resize(what, groups);
}

reply einhorn_commands::resize(const order& what, const group_selection& groups) {
    // `inc` is not held to the bound of set_workers.
    if (std::ranges::any_of(groups, [&](auto* runner) {
            return wanted_number(what, *runner) > config::most_workers;
        }))
        return refusal("a group has at most " + std::to_string(config::most_workers) + " workers");
    return for_each(groups, [&](group_runner& runner) {
        unsigned before = worker_number(runner);
        set_worker_number(runner, wanted_number(what, runner));
        return einhorn::resized(what.what, before, worker_number(runner));
    });
}

reply einhorn_commands::forward(const std::vector<int>& signals, const group_selection& groups) {
    return for_each(groups, [&](group_runner& runner) {
        std::string answer;
        for (int signal : signals) {
            runner.notice(core::event::forward{signal});
            answer +=
                (answer.empty() ? "" : "\n") + einhorn::sent(signal, runner.group().processes());
        }
        return answer;
    });
}

reply einhorn_commands::die(const order& what, const group_selection& groups) {
    std::optional<int> signal;
    if (!what.signals.empty()) signal = what.signals[0];
    reply answer = for_each(groups, [&](const group_runner& runner) {
        return einhorn::sent(signal.value_or(runner.group().wishes().stop_signal),
                             runner.group().processes());
    });
    master_.stop(signal);
    answer.message = "Einhorn is going down! " + answer.message;
    return answer;
}

reply einhorn_commands::change(const order& what, const protocol::request& asked,
                               const group_selection& groups) {
    if (auto wrong = change_options(groups, what.changes)) return refusal(*wrong);
    return {"Successfully merged in config: " +
            einhorn::inspect(protocol::joined(asked.args).value_or(nullptr))};
}

/// einhorn has three levels: what it calls 2 are errors.
reply einhorn_commands::change_level(int steps) {
    constexpr std::array levels{severity::debug, severity::info, severity::error};
    int now = std::min(static_cast<int>(log_level()), 2);
    int next = std::clamp(now + steps, 0, 2);
    if (next != now) set_log_level(levels[static_cast<std::size_t>(next)]);
    return {einhorn::verbosity(static_cast<unsigned>(next))};
}

} // namespace einhyrningsins::master
