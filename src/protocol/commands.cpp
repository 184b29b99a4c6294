// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/commands.hpp"

#include "core/signal_name.hpp"

#include <boost/json/parse.hpp>

#include <algorithm>
#include <array>
#include <charconv>

namespace einhyrningsins::protocol {
namespace {

namespace json = boost::json;
using words = std::vector<std::string>;
using complaint = std::optional<std::string>;

constexpr bool for_workers = true, for_operators = false;

constexpr std::array table{
    command{verb::status, "status", "[GROUP]", "what runs, as a table", for_operators},
    command{verb::list, "list", "[GROUP]", "the names of the groups", for_operators},
    command{verb::upgrade, "upgrade", "[GROUP]", "replace the workers one by one", for_operators},
    command{verb::upgrade_fleet, "upgrade_fleet", "[GROUP]",
            "start all new workers, then send all old ones away", for_operators},
    command{verb::reload, "reload", "", "replace the master's program; the workers stay",
            for_operators},
    command{verb::inc, "inc", "[GROUP]", "one worker more", for_operators},
    command{verb::dec, "dec", "[GROUP]", "one worker fewer", for_operators},
    command{verb::set_workers, "set_workers", "COUNT [GROUP]", "run COUNT workers", for_operators},
    command{verb::start, "start", "[GROUP]", "start a stopped group", for_operators},
    command{verb::stop, "stop", "[GROUP]", "stop the workers; the master stays", for_operators},
    command{verb::restart, "restart", "[GROUP]", "stop the workers, then start them again",
            for_operators},
    command{verb::killall, "killall", "[GROUP]", "SIGKILL to all workers", for_operators},
    command{verb::signal, "signal", "SIG...", "send signals to all workers", for_operators},
    command{verb::die, "die", "[SIG]", "stop the workers, then end the master", for_operators},
    command{verb::config, "config", "{\"option\": value}", "change options of the running master",
            for_operators},
    command{verb::louder, "louder", "", "log more", for_operators},
    command{verb::quieter, "quieter", "", "log less", for_operators},
    command{verb::state, "state", "", "all that the master knows", for_operators},
    command{verb::worker_ack, "worker:ack", "", "for workers: I am up", for_workers},
    command{verb::worker_ping, "worker:ping", "", "for workers: I am alive", for_workers},
    command{verb::ehlo, "ehlo", "", "say hello", for_workers},
    command{verb::version, "version", "", "the version of the master", for_workers},
    command{verb::help, "help", "", "this list", for_workers},
};

/// What somebody wrote, fit for an answer: in one line, short, and not cut within a character.
std::string quoted(std::string_view text) {
    constexpr std::size_t longest = 64;
    std::size_t end = std::min(text.size(), longest);
    while (end > 0 && end < text.size() && (text[end] & 0xC0) == 0x80)
        --end;
    std::string cited(text.substr(0, end));
    std::ranges::replace_if(
        cited, [](unsigned char c) { return c < ' ' || c == 0x7f; }, '?');
    return "'" + cited + (end < text.size() ? "...'" : "'");
}

std::string usage(const command& what) {
    std::string arguments = what.arguments;
    return "usage: " + std::string(what.name) + (arguments.empty() ? "" : " " + arguments);
}

/// Takes the group from the arguments left, if there is one.
complaint take_group(const command& what, const words& left, order& into) {
    if (left.size() > 1 || (left.size() == 1 && !into.group.empty())) return usage(what);
    if (!left.empty()) into.group = left[0];
    return std::nullopt;
}

complaint take_number(const command& what, words left, order& into) {
    unsigned number = 0;
    if (left.empty()) return usage(what);
    const std::string& text = left[0];
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size() || number < 1 || number > 10000)
        return quoted(text) + " is not a number of workers from 1 to 10000";
    into.number = number;
    left.erase(left.begin());
    return take_group(what, left, into);
}

complaint take_signals(const words& names, order& into) {
    for (const std::string& name : names) {
        auto number = core::signal_number(name);
        if (!number) return quoted(name) + " is no signal; write USR1, HUP, TERM, ...";
        into.signals.push_back(*number);
    }
    return std::nullopt;
}

/// The values of one option, as a command line would have them.
std::optional<words> option_values(const json::value& wish) {
    words values;
    std::span<const json::value> given(&wish, 1);
    if (auto* list = wish.if_array()) given = {list->data(), list->size()};
    for (const json::value& one : given) {
        auto value = word_of(one);
        if (!value) return std::nullopt;
        values.push_back(std::move(*value));
    }
    return values;
}

complaint take_changes(const command& what, const words& args, order& into) {
    std::string text;
    for (const std::string& arg : args)
        text += (text.empty() ? "" : " ") + arg;
    json::error_code error;
    json::value value = json::parse(text, error);
    if (error || !value.is_object()) return usage(what) + " (a JSON object)";
    for (const auto& [name, wish] : value.get_object()) {
        auto values = option_values(wish);
        if (!values)
            return quoted(name) + " must have a string, a number or a list of them as its value";
        into.changes.emplace_back(std::string(name), std::move(*values));
    }
    return std::nullopt;
}

complaint take_arguments(const command& what, const words& args, order& into) {
    switch (what.what) {
    case verb::set_workers: return take_number(what, args, into);
    case verb::signal: return args.empty() ? usage(what) : take_signals(args, into);
    case verb::die: return args.size() > 1 ? usage(what) : take_signals(args, into);
    case verb::config: return take_changes(what, args, into);
    default: break;
    }
    bool takes_group = std::string_view(what.arguments) == "[GROUP]";
    if (takes_group) return take_group(what, args, into);
    return args.empty() ? std::nullopt : complaint(usage(what));
}

} // namespace

std::span<const command> commands() { return table; }

const command* find_command(std::string_view name) {
    auto found =
        std::ranges::find(table, name, [](const command& c) { return std::string_view(c.name); });
    return found == table.end() ? nullptr : &*found;
}

std::string unknown_command(std::string_view name) {
    words candidates;
    for (const command& one : table)
        candidates.emplace_back(one.name);
    return "unknown command " + quoted(name) + did_you_mean(name, candidates) +
           "; 'help' lists all";
}

boost::system::result<order, std::string> parse_order(const request& from) {
    using answer = boost::system::result<order, std::string>;
    const command* known = find_command(from.command);
    if (!known) return answer(boost::system::in_place_error, unknown_command(from.command));
    order made;
    made.what = known->what;
    made.group = from.group;
    made.pid = from.pid;
    made.request_id = from.request_id;
    if (auto wrong = take_arguments(*known, from.args, made))
        return answer(boost::system::in_place_error, *wrong);
    return made;
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
