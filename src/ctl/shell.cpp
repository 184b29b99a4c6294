// SPDX-License-Identifier: GPL-3.0-or-later
#include "ctl/shell.hpp"

#include "ctl/completion.hpp"
#include "ctl/history.hpp"
#include "ctl/interrupt.hpp"

#include <cstdio> // readline's header needs it before

#include <readline/readline.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace einhyrningsins::ctl {
namespace {

struct freed {
    void operator()(char* text) const { std::free(text); }
};
using c_string = std::unique_ptr<char, freed>;

/// After Ctrl-C in the middle of a line.
int begin_line_anew() {
    if (!take_interrupt()) return 0;
    rl_crlf();
    rl_replace_line("", 1);
    rl_on_new_line();
    rl_redisplay();
    return 0;
}

/// A Ctrl-C that comes while readline does not wait is noticed with the next key, and was before
/// it.
int next_key(FILE* input) {
    int key = rl_getc(input);
    rl_check_signals();
    begin_line_anew();
    return key;
}

/// Nothing at the end of the input.
std::optional<std::string> read_line(const char* prompt) {
    c_string line(readline(prompt));
    if (!line) return std::nullopt;
    return std::string(line.get());
}

bool is_quit(const std::string& line) {
    std::size_t begin = line.find_first_not_of(" \t");
    if (begin == line.npos) return false;
    std::string word = line.substr(begin, line.find_last_not_of(" \t\r\n;") + 1 - begin);
    return word == "quit" || word == "exit";
}

/// Runs a line, and returns whether there may be another.
using line_runner = std::function<bool(const std::string&)>;

exit_code read_commands(const char* prompt, const line_runner& run) {
    catch_interrupts();
    rl_signal_event_hook = begin_line_anew;
    rl_getc_function = next_key;
    history lines;
    while (auto line = read_line(prompt)) {
        if (is_quit(*line)) return exit_code::done;
        lines.add(*line);
        take_interrupt();
        if (!run(*line)) return exit_code::done;
    }
    std::puts("");
    return exit_code::done;
}

void read_standard_input(const line_runner& run) {
    char* buffer = nullptr;
    std::size_t capacity = 0;
    while (getline(&buffer, &capacity, stdin) >= 0)
        if (is_quit(buffer) || !run(buffer)) break;
    std::free(buffer);
}

constexpr const char* what_to_do = "'help' lists the commands, 'quit' leaves.";

} // namespace

exit_code run_shell(client& master, console& commands) {
    if (auto failed = master.connect()) {
        complain(failed->message);
        return failed->code;
    }
    complete_with(master);
    std::puts(what_to_do);
    return read_commands("einhyrningsins> ", [&](const std::string& line) {
        commands.run_text(line);
        return true;
    });
}

exit_code run_shell(client& master, einhorn_console& commands) {
    if (auto failed = master.connect()) {
        complain(failed->message);
        return failed->code;
    }
    if (exit_code greeted = commands.greet(); greeted != exit_code::done) return greeted;
    complete_commands("einhornsh");
    std::fprintf(stderr, "%s\n", what_to_do);
    return read_commands("> ", [&](const std::string& line) {
        commands.run_text(line);
        return !commands.has_quit();
    });
}

exit_code run_lines(console& commands) {
    exit_code gravest = exit_code::done;
    read_standard_input([&](const std::string& line) {
        gravest = std::max(gravest, commands.run_text(line));
        return gravest != exit_code::unreachable;
    });
    return gravest;
}

exit_code run_lines(einhorn_console& commands) {
    exit_code gravest = exit_code::done;
    read_standard_input([&](const std::string& line) {
        gravest = std::max(gravest, commands.run_text(line));
        return gravest != exit_code::unreachable && !commands.has_quit();
    });
    return gravest;
}

} // namespace einhyrningsins::ctl
