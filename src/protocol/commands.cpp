// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/commands.hpp"

#include "core/printable.hpp"

#include <algorithm>
#include <array>
#include <vector>

namespace einhyrningsins::protocol {
namespace {

constexpr bool for_workers = true, for_operators = false;

constexpr std::array table{
    command{verb::status, "status", "[GROUP]", "what runs, as a table", for_operators},
    command{verb::list, "list", "[GROUP]", "the names of the groups", for_operators},
    command{verb::upgrade, "upgrade", "[GROUP]", "replace the workers one by one", for_operators},
    command{verb::upgrade_fleet, "upgrade_fleet", "[GROUP]",
            "start all new workers, then stop all old ones", for_operators},
    command{verb::reload, "reload", "", "replace the master's program; the workers keep running",
            for_operators},
    command{verb::reload_config, "reload-config", "",
            "read the file of groups again and apply the changes", for_operators},
    command{verb::inc, "inc", "[GROUP]", "one worker more", for_operators},
    command{verb::dec, "dec", "[GROUP]", "one worker fewer", for_operators},
    command{verb::set_workers, "set_workers", "COUNT [GROUP]", "run COUNT workers", for_operators},
    command{verb::start, "start", "[GROUP]", "start a stopped group", for_operators},
    command{verb::stop, "stop", "[GROUP]", "stop the workers; the master keeps running",
            for_operators},
    command{verb::restart, "restart", "[GROUP]", "stop the workers, then start them again",
            for_operators},
    command{verb::killall, "killall", "[GROUP]", "SIGKILL to all workers", for_operators},
    command{verb::signal, "signal", "SIG...", "send signals to all workers", for_operators},
    command{verb::die, "die", "[SIG]", "stop the workers, then end the master", for_operators},
    command{verb::config, "config", "{\"option\": value}", "change options of the running master",
            for_operators},
    command{verb::louder, "louder", "", "log more", for_operators},
    command{verb::quieter, "quieter", "", "log less", for_operators},
    command{verb::state, "state", "", "the complete state of the master, as JSON", for_operators},
    command{verb::worker_ack, "worker:ack", "", "for workers: report that they are ready",
            for_workers},
    command{verb::worker_ping, "worker:ping", "", "for workers: report a sign of life",
            for_workers},
    command{verb::ehlo, "ehlo", "", "say hello", for_workers},
    command{verb::version, "version", "", "the version of the master", for_workers},
    command{verb::help, "help", "", "this list", for_workers},
};

} // namespace

std::string quoted(std::string_view text) {
    constexpr std::size_t longest = 64;
    return core::quoted(text, longest);
}

std::span<const command> commands() { return table; }

const command* find_command(std::string_view name) {
    auto found =
        std::ranges::find(table, name, [](const command& c) { return std::string_view(c.name); });
    return found == table.end() ? nullptr : &*found;
}

std::string unknown_command(std::string_view name) {
    std::vector<std::string> candidates;
    for (const command& one : table)
        candidates.emplace_back(one.name);
    return "unknown command " + quoted(name) + did_you_mean(name, candidates) +
           "; 'help' lists all";
}

bool is_for_workers(verb what) {
    return std::ranges::any_of(table,
                               [&](const command& c) { return c.what == what && c.for_workers; });
}

std::string help_text() {
    std::string text;
    for (const command& one : table) {
        std::string left = std::string(one.name) + (*one.arguments ? " " : "") + one.arguments;
        left.resize(std::max<std::size_t>(left.size() + 2, 30), ' ');
        text += left + one.help + "\n";
    }
    text.pop_back();
    return text;
}

} // namespace einhyrningsins::protocol
