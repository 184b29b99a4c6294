// SPDX-License-Identifier: GPL-3.0-or-later
#include "ctl/console.hpp"

#include "ctl/progress.hpp"
#include "protocol/commands.hpp"
#include "protocol/json_text.hpp"
#include "protocol/status_table.hpp"

#include <algorithm>
#include <cstdio>

namespace einhyrningsins::ctl {
namespace {

const char* program_name = "einhyrningsinsctl";

void print_line(std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fputc('\n', stdout);
    std::fflush(stdout);
}

} // namespace

void set_program_name(const char* name) { program_name = name; }

void complain(std::string_view what) {
    std::fflush(stdout); // so that both come in their order where they go to the same place
    std::string line = std::string(program_name) + ": " + std::string(what) + "\n";
    std::fwrite(line.data(), 1, line.size(), stderr);
}

protocol::request console::request_of(const command_words& words) const {
    protocol::request made;
    made.command = words[0];
    made.args.assign(words.begin() + 1, words.end());
    made.group = group_;
    made.id = 1;
    made.wants_data = how_.json || how_.colour; // else the master's own table does
    return made;
}

void console::show_last(const command_words& words, const protocol::reply& last) const {
    if (!last.ok) return complain(last.message);
    bool tabular = words[0] == "status" && last.data;
    std::string text = tabular ? protocol::status_table(*last.data, how_.colour) : last.message;
    if (!text.empty()) print_line(text);
}

/// Gives one command and waits for its end.
exit_code console::run(const command_words& words) {
    progress bar(how_.terminal);
    auto hear = [&](std::string_view line, const protocol::reply& said) {
        if (how_.json)
            print_line(protocol::printable_json(line));
        else if (said.wait)
            bar.show(said);
    };
    auto last = master_.ask(request_of(words), hear);
    bar.clear();
    if (!last) {
        complain(last.error().message);
        return last.error().code;
    }
    if (!how_.json) show_last(words, *last);
    return last->ok ? exit_code::done : exit_code::failed;
}

exit_code console::run_all(const std::vector<command_words>& commands) {
    for (const command_words& words : commands) {
        if (protocol::find_command(words[0])) continue;
        complain(protocol::unknown_command(words[0]));
        return exit_code::wrong_usage;
    }
    exit_code gravest = exit_code::done;
    for (const command_words& words : commands) {
        gravest = std::max(gravest, run(words));
        if (gravest == exit_code::unreachable) break;
    }
    return gravest;
}

exit_code console::run_text(std::string_view text) {
    auto commands = parse_commands(text);
    if (commands) return run_all(*commands);
    complain(commands.error());
    return exit_code::wrong_usage;
}

} // namespace einhyrningsins::ctl
