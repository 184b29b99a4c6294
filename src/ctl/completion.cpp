// SPDX-License-Identifier: GPL-3.0-or-later
#include "ctl/completion.hpp"

#include "protocol/commands.hpp"

#include <cstdio> // readline's header needs it before

#include <readline/readline.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace einhyrningsins::ctl {
namespace {

// Readline's callbacks take no context.
client* asked = nullptr;
std::vector<std::string> candidates;

std::vector<std::string> command_names() {
    std::vector<std::string> names{"quit", "exit"};
    for (const protocol::command& one : protocol::commands())
        if (!std::strchr(one.name, ':')) names.emplace_back(one.name);
    return names;
}

/// None if the master does not answer: then a line is no worse than without completion.
std::vector<std::string> group_names() {
    if (!asked) return {};
    protocol::request list{.command = "list", .id = 1};
    auto answer = asked->ask(list, [](std::string_view, const protocol::reply&) {});
    std::vector<std::string> names;
    if (!answer || !answer->ok) return names;
    std::string_view rest = answer->message;
    while (!rest.empty()) {
        std::string_view name = rest.substr(0, rest.find('\n'));
        names.emplace_back(name);
        rest.remove_prefix(std::min(rest.size(), name.size() + 1));
    }
    return names;
}

/// Called with 0 first, and then with 1 until there are no more; readline frees what it gets.
char* next_match(const char* text, int again) {
    static std::size_t at;
    if (!again) at = 0;
    while (at < candidates.size()) {
        const std::string& one = candidates[at++];
        if (one.starts_with(text)) return strdup(one.c_str());
    }
    return nullptr;
}

bool begins_command(std::string_view before) {
    std::size_t last = before.find_last_not_of(" \t");
    return last == before.npos || before[last] == ';';
}

char** matches(const char* text, int begin, int) {
    std::string_view before(rl_line_buffer, static_cast<std::size_t>(begin));
    candidates = begins_command(before) ? command_names() : group_names();
    rl_attempted_completion_over = 1; // no names of files
    return rl_completion_matches(text, next_match);
}

} // namespace

void complete_commands(const char* shell) {
    rl_readline_name = shell;
    rl_attempted_completion_function = matches;
    rl_completer_word_break_characters = " \t;";
}

void complete_with(client& master) {
    asked = &master;
    complete_commands("einhyrningsinsctl");
}

} // namespace einhyrningsins::ctl
