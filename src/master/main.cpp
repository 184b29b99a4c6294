// SPDX-License-Identifier: GPL-3.0-or-later
#include "config/command_line.hpp"
#include "config/einhorn_command_line.hpp"
#include "config/firestarter_command_line.hpp"
#include "config/number.hpp"
#include "handoff/einhorn_state.hpp"
#include "handoff/text.hpp"
#include "master/configuration.hpp"
#include "master/logging.hpp"
#include "master/master.hpp"
#include "master/start_failure.hpp"
#include "os/exec.hpp"
#include "os/process.hpp"
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
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace einhyrningsins;

/// The name that we go by, for people.
const char* program = "einhyrningsins";

int complain(const std::string& message, int exit_code) {
    std::fprintf(stderr, "%s: %s\n", program, message.c_str());
    return exit_code;
}

int print(const std::string& text) {
    bool written = std::fputs(text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0;
    return written ? 0 : complain("standard output: cannot be written", 1);
}

/// `origin` is settings for a start, or the state that another program has handed over.
template <class Origin>
int serve(Origin origin, master::call how, const std::vector<std::string>& warnings = {}) {
    boost::asio::io_context context(1);
    master::set_up_logging(context, origin.master);
    for (const std::string& warning : warnings)
        master::log_deprecation(warning);
    int exit_code = 1;
    try {
        master::master everything(context, std::move(origin), std::move(how));
        exit_code = everything.run();
    } catch (const master::start_failure& why) {
        complain(why.what(), exit_code);
    }
    master::end_logging();
    return exit_code;
}

constexpr std::size_t longest_state = 256 * 1024 * 1024;

handoff::einhorn_surroundings surroundings_of_einhorn() {
    return {.wall_clock = std::chrono::system_clock::now(),
            .now = core::time_point::clock::now(),
            .cpus = os::available_cpus(),
            .temporary_directory = os::temporary_directory(),
            .working_directory = os::logical_working_directory(std::getenv("PWD"))};
}

/// Of a master of ours, or of einhorn.
boost::system::result<handoff::state, std::string> read_state(const std::string& fd) {
    using answer = boost::system::result<handoff::state, std::string>;
    auto number = config::parse_number(fd, 3, std::numeric_limits<int>::max());
    if (!number) return answer(boost::system::in_place_error, fd + " is no descriptor");
    auto text = os::read_to_end(static_cast<int>(*number), longest_state);
    if (!text) return answer(boost::system::in_place_error, fd + ": " + text.error().message());
    if (text->starts_with('{')) return handoff::parse(*text);
    return handoff::parse_einhorn(*text, surroundings_of_einhorn());
}

/// Goes on in the place of the program that has executed this one (SPEC 7.5).
int take_over(const std::string& fd, master::call how) {
    auto state = read_state(fd);
    if (!state) return complain("--with-state-fd " + state.error(), 1);
    // Before anything else is opened.
    handoff::forget(*state, os::take_over_descriptors(handoff::descriptors(*state)));
    return serve(std::move(*state), std::move(how));
}

/// What a reload says to the program that it executes, in front of the other words.
struct reload_words {
    bool check = false; ///< a trial run: it is enough to be able to run, and to read the state
    std::optional<std::string> state_fd;
};

reload_words take_reload_words(std::vector<std::string>& words) {
    reload_words taken;
    if (!words.empty() && words[0] == "--upgrade-check") {
        taken.check = true;
        words.erase(words.begin());
    }
    if (words.size() > 1 && words[0] == "--with-state-fd") {
        taken.state_fd = words[1];
        words.erase(words.begin(), words.begin() + 2);
    }
    return taken;
}

int check(const reload_words& reload) {
    if (!reload.state_fd) return 0;
    auto state = read_state(*reload.state_fd);
    return state ? 0 : complain("--with-state-fd " + state.error(), 1);
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

/// What firestarter's client is asked, the program beside this one. `firestarter help run` is ours.
/// Returns only if the rest is ours as well, or that program is not there.
std::optional<int> delegate(char** argv, std::vector<std::string>& words) {
    if (words.size() == 2 && words[0] == "help" && words[1] == "run") words = {"run", "--help"};
    bool is_ours = !words.empty() && (words[0] == "run" || words[0] == "--upgrade-check" ||
                                      words[0] == "--with-state-fd");
    if (is_ours) return std::nullopt;
    auto why = os::become_sibling("einhyrningsinsctl", argv);
    return complain(why.message(), 1);
}

void prepare_process() {
    os::return_large_blocks();
    os::block_all_signals();
}

} // namespace

int main(int argc, char** argv) {
    if (argc > 1 && argv[1] == os::template_word) return os::run_template(argc, argv);
    os::open_standard_descriptors();
    if (is_called(argv[0], "einhorn")) program = "einhorn";
    if (is_called(argv[0], "firestarter")) program = "firestarter";
    std::vector<std::string> words(argv + 1, argv + argc);
    if (is_firestarter())
        if (auto code = delegate(argv, words)) return *code;
    std::vector<std::string> environment = os::take_environment(argc, argv);
    reload_words reload = take_reload_words(words);
    if (reload.state_fd && !reload.check) {
        prepare_process();
        return take_over(*reload.state_fd, {argv[0], words, std::move(environment)});
    }
    if (reload.check) return check(reload);
    auto line = master::configure(own_personality(), words, environment);
    if (!line) return complain(line.error());
    if (line->kind != config::request_kind::run)
        return is_einhorn() ? answer_as_einhorn(*line) : answer(*line);
    prepare_process();
    return serve(std::move(line->wishes), {argv[0], words, std::move(environment)}, line->warnings);
}
