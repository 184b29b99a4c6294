// SPDX-License-Identifier: GPL-3.0-or-later
#include "ctl/einhorn_console.hpp"

#include "ctl/console.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace einhyrningsins::ctl {
namespace {

/// In lines of its own, which some messages end themselves.
void print(const std::string& message, FILE* where) {
    std::fwrite(message.data(), 1, message.size(), where);
    if (!message.ends_with('\n')) std::fputc('\n', where);
    std::fflush(where);
}

} // namespace

exit_code einhorn_console::greet() {
    const char* user = std::getenv("USER");
    protocol::request ehlo{.command = "ehlo"};
    ehlo.user = user ? user : "";
    auto answer = master_.ask(
        ehlo, [](std::string_view, const protocol::reply& said) { print(said.message, stderr); });
    if (answer) return exit_code::done;
    complain(answer.error().message);
    return answer.error().code;
}

exit_code einhorn_console::run(const command_words& words) {
    protocol::request what{.command = words[0]};
    what.args.assign(words.begin() + 1, words.end());
    what.args_given = true; // einhorn wants them even where there are none
    what.id = ++requests_;
    auto last = master_.ask(
        what, [](std::string_view, const protocol::reply& said) { print(said.message, stdout); });
    if (last) return last->ok ? exit_code::done : exit_code::failed;
    complain(last.error().message);
    return last.error().code;
}

exit_code einhorn_console::run_text(std::string_view text) {
    auto commands = parse_commands(text);
    if (!commands) {
        complain(commands.error());
        return exit_code::wrong_usage;
    }
    exit_code gravest = exit_code::done;
    for (const command_words& words : *commands) {
        has_quit_ = words[0] == "quit" || words[0] == "exit";
        if (has_quit_ || gravest == exit_code::unreachable) break;
        gravest = std::max(gravest, run(words));
    }
    return gravest;
}

} // namespace einhyrningsins::ctl
