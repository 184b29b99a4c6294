// SPDX-License-Identifier: GPL-3.0-or-later
#include "config/command_line.hpp"
#include "config/einhorn_command_line.hpp"
#include "config/firestarter_command_line.hpp"
#include "config/number.hpp"
#include "config/reload_words.hpp"
#include "core/printable.hpp"
#include "handoff/einhorn_state.hpp"
#include "handoff/first_state.hpp"
#include "handoff/text.hpp"
#include "loop/reactor.hpp"
#include "master/configuration.hpp"
#include "master/logging.hpp"
#include "master/master.hpp"
#include "master/rehearsal.hpp"
#include "os/exec.hpp"
#include "os/own_process.hpp"
#include "os/signals.hpp"
#include "os/template_process.hpp"
#include "os/template_server.hpp"
#include "protocol/einhorn_wording.hpp"
#include "protocol/firestarter.hpp"
#include "protocol/version.hpp"

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace einhyrningsins;

/// The name that we go by, for people.
const char* program = "einhyrningsins";

/// Prints one line, whatever is in it.
int complain(const std::string& message, int exit_code) {
    std::fprintf(stderr, "%s: %s\n", program, core::printable(message).c_str());
    return exit_code;
}

int print(const std::string& text) {
    bool written = std::fputs(text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0;
    return written ? 0 : complain("standard output: cannot be written", 1);
}

std::unique_ptr<boost::asio::io_context> open_loop(master::beginning kind) {
    std::unique_ptr<boost::asio::io_context> context;
    master::insist(kind, [&] {
        context = std::make_unique<boost::asio::io_context>(1);
        loop::open_reactor(*context);
    });
    return context;
}

/// `announce` logs what is to be logged first.
int serve(handoff::state from, master::call how, master::beginning kind,
          const std::function<void()>& announce) {
    std::unique_ptr<boost::asio::io_context> context;
    int exit_code = 1;
    try {
        context = open_loop(kind);
        master::set_up_logging(*context, from.master);
        master::set_log_level(from.log_level);
        master::continue_log(from.unwritten_log, from.dropped_log_lines);
        announce();
        master::master everything(*context, std::move(from), std::move(how), kind);
        exit_code = everything.run();
    } catch (const std::exception& why) {
        master::end_logging(); // its lines come first
        return complain(why.what(), exit_code);
    }
    master::end_logging();
    return exit_code;
}

std::string working_directory() { return os::logical_working_directory(std::getenv("PWD")); }

int start(config::command_line line, master::call how) {
    auto from = handoff::first_state(std::move(line.wishes), working_directory(),
                                     core::time_point::clock::now());
    return serve(std::move(from), std::move(how), master::beginning::cold, [&] {
        for (const std::string& warning : line.warnings)
            master::log_deprecation(warning);
    });
}

constexpr std::size_t longest_state = 256 * 1024 * 1024;

/// `words` are those that einhorn has for its workers: "--" and their program.
handoff::einhorn_surroundings surroundings_of_einhorn(const std::vector<std::string>& words) {
    std::vector<std::string> command = words;
    if (!command.empty() && command[0] == "--") command.erase(command.begin());
    return {.wall_clock = std::chrono::system_clock::now(),
            .now = core::time_point::clock::now(),
            .cpus = os::available_cpus(),
            .temporary_directory = os::temporary_directory(),
            .working_directory = working_directory(),
            .command = std::move(command)};
}

/// A state that was handed over, and what is to be logged about it.
using handed_over = boost::system::result<handoff::einhorn_state, std::string>;

/// Of a master of ours, or of einhorn.
handed_over read_state(const config::reload_words& reload) {
    const std::string& fd = *reload.state_fd;
    auto fail = [&](const std::string& why) {
        return handed_over(boost::system::in_place_error, "--with-state-fd " + fd + ": " + why);
    };
    auto number = config::parse_number(fd, 3, std::numeric_limits<int>::max());
    if (!number) return fail("must be the number of a descriptor, from 3");
    auto text = os::read_to_end(static_cast<int>(*number), longest_state);
    if (!text) return fail(text.error().message());
    if (!text->starts_with('{')) {
        auto state = handoff::parse_einhorn(*text, surroundings_of_einhorn(reload.rest));
        return state ? std::move(state) : fail(state.error());
    }
    auto state = handoff::parse(*text);
    if (!state) return fail(state.error());
    return handoff::einhorn_state{std::move(*state), {}};
}

/// Goes on in the place of the program that has executed this one (SPEC 7.5).
int take_over(const config::reload_words& reload, master::call how) {
    os::wait_for_memory(true);
    os::set_command_name(how.name); // it was executed by a descriptor
    auto from = read_state(reload);
    if (!from) return complain(from.error(), 1);
    // Before anything else is opened.
    handoff::forget(from->all, os::take_over_descriptors(handoff::descriptors(from->all)));
    return serve(std::move(from->all), std::move(how), master::beginning::after_exec, [&] {
        for (const std::string& remark : from->remarks)
            master::log(core::severity::warning, "", "taking over: " + remark);
    });
}

/// The trial run (SPEC 7.5).
int try_out(const config::reload_words& reload) {
    if (!reload.state_fd) return 0;
    auto from = read_state(reload);
    if (!from) return complain(from.error(), 1);
    auto wrong = master::rehearse(from->all);
    return wrong ? complain(*wrong, 1) : 0;
}

bool is_called(std::string_view path, std::string_view name) {
    return path.substr(path.rfind('/') + 1) == name;
}

bool is_einhorn() { return is_called(program, "einhorn"); }

bool is_firestarter() { return is_called(program, "firestarter"); }

config::personality own_personality() {
    using enum config::personality;
    return is_einhorn() ? einhorn : is_firestarter() ? firestarter : einhyrningsins;
}

int complain(const master::misconfiguration& why) {
    for (const std::string& line : why.complaints)
        complain(line, why.exit_code);
    return why.exit_code;
}

std::string praise(const config::settings& wishes) {
    const std::string& file = wishes.master.config_file;
    if (file.empty()) return "the command line is right\n";
    std::size_t count = wishes.groups.size();
    return file + " is right: " + std::to_string(count) + (count == 1 ? " group\n" : " groups\n");
}

int answer(const config::command_line& line) {
    using enum config::request_kind;
    std::string name = std::string("einhyrningsins ") + protocol::version;
    if (is_firestarter())
        name = std::string("firestarter ") + protocol::firestarter::version + " (" + name + ")";
    switch (line.kind) {
    case help: return print(is_firestarter() ? config::firestarter_usage() : config::help_text());
    case version: return print(name + "\n");
    default: return print(praise(line.wishes));
    }
}

/// einhorn calls a request for help a failure.
int answer_as_einhorn(const config::command_line& line) {
    using enum config::request_kind;
    switch (line.kind) {
    case help: return print(config::einhorn_usage(false)), 1;
    case usage: return print(config::einhorn_usage(true)), 1;
    case version:
        return print(std::string(protocol::einhorn::version) + " (einhyrningsins " +
                     protocol::version + ")\n");
    case trial: return 0;
    default: return answer(line);
    }
}

/// Has firestarter's client answer, the program beside this one, unless `words` ask for the master.
/// `firestarter help run` is the master's. Returns only if the words are, or if that program cannot
/// be executed.
std::optional<int> delegate(char** argv, std::vector<std::string>& words) {
    if (words.size() == 2 && words[0] == "help" && words[1] == "run") words = {"run", "--help"};
    if (!words.empty() && words[0] == "run") return std::nullopt;
    auto why = os::become_sibling("einhyrningsinsctl", argv);
    return complain(why.message(), 1);
}

} // namespace

int main(int argc, char** argv) {
    if (argc > 1 && argv[1] == os::template_word) return os::run_template(argc, argv);
    os::open_standard_descriptors();
    if (is_called(argv[0], "einhorn")) program = "einhorn";
    if (is_called(argv[0], "firestarter")) program = "firestarter";
    std::vector<std::string> words(argv + 1, argv + argc);
    config::reload_words reload = config::find_reload_words(own_personality(), words);
    bool reloads = reload.check || reload.state_fd;
    if (is_firestarter() && !reloads)
        if (auto code = delegate(argv, words)) return *code;
    if (reload.check) return try_out(reload);
    std::vector<std::string> environment = os::take_environment(argc, argv);
    if (reload.state_fd) {
        os::block_all_signals();
        os::set_up_allocator();
        return take_over(reload, {argv[0], reload.rest, std::move(environment)});
    }
    auto line = master::configure(own_personality(), words, environment);
    if (!line) return complain(line.error());
    if (line->kind != config::request_kind::run)
        return is_einhorn() ? answer_as_einhorn(*line) : answer(*line);
    os::block_all_but_ending_signals();
    os::set_up_allocator();
    return start(std::move(*line), {argv[0], words, std::move(environment)});
}
