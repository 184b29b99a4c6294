// SPDX-License-Identifier: GPL-3.0-or-later
#include "ctl/firestarter_arguments.hpp"

#include "ctl/arguments.hpp"
#include "protocol/commands.hpp"
#include "protocol/firestarter.hpp"

#include <getopt.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <vector>

namespace einhyrningsins::ctl {
namespace {

namespace firestarter = protocol::firestarter;
using complaint = std::optional<std::string>;
using protocol::quoted;
using enum firestarter_arguments::subcommand;

struct known_subcommand {
    firestarter_arguments::subcommand what;
    const char* name;
    const char* arguments;
    const char* help;
};

/// `run` is there for its help.
constexpr known_subcommand table[] = {
    {usage, "run", "-c FILE [-d PATH] [OPTIONS]", "Run the daemon"},
    {list, "list", "[-d PATH]", "Show the names of the groups"},
    {status, "status", "[-d PATH]", "Show how all groups are"},
    {ctrl, "ctrl", "[-d PATH] [-s SIGNAL] NAME COMMAND", "Tell one group what to do"},
    {stop, "stop", "[-d PATH]", "Stop the daemon and all groups, and wait for its end"},
    {help, "help", "[SUBCOMMAND]", "This text, or that of one subcommand"},
};

constexpr option long_options[] = {{"socket-path", required_argument, nullptr, 'd'},
                                   {"signal", required_argument, nullptr, 's'},
                                   {"help", no_argument, nullptr, 'h'},
                                   {"version", no_argument, nullptr, 'V'},
                                   {}};
constexpr const char* letters = ":d:s:hV";

const known_subcommand* find(std::string_view name) {
    for (const known_subcommand& one : table)
        if (name == one.name) return &one;
    return nullptr;
}

std::string unknown_subcommand(const std::string& name) {
    std::vector<std::string> names;
    for (const known_subcommand& one : table)
        names.emplace_back(one.name);
    return "unknown subcommand " + quoted(name) + protocol::did_you_mean(name, names) +
           "; 'firestarter help' lists all";
}

std::string usage_of(const known_subcommand& one) {
    return std::string("usage: firestarter ") + one.name + " " + one.arguments;
}

complaint take_signal(const char* name, const known_subcommand& of, firestarter_arguments& into) {
    if (of.what != ctrl) return "option '-s' belongs to 'ctrl'";
    auto number = firestarter::signal_number(name);
    if (!number) return "--signal: " + quoted(name) + " is no signal; write SIGTERM, SIGUSR1, ...";
    into.signal = *number;
    return std::nullopt;
}

complaint read_options(int argc, char** words, const known_subcommand& of,
                       firestarter_arguments& into) {
    optind = 0; // begins anew, see getopt(3)
    opterr = 0;
    for (int id; (id = getopt_long(argc, words, letters, long_options, nullptr)) != -1;) {
        switch (id) {
        case 'd': into.socket_path = optarg; break;
        case 'h': into.what = help; break;
        case 'V': into.what = version; break;
        case 's':
            if (auto wrong = take_signal(optarg, of, into)) return wrong;
            break;
        default: return complain_about_option(words[optind - 1], id, "-h");
        }
    }
    return std::nullopt;
}

std::string unknown_command(const std::string& word) {
    std::vector<std::string> known;
    std::string all;
    for (const firestarter::command& one : firestarter::commands())
        if (one.word) {
            known.emplace_back(one.word);
            all += (all.empty() ? "" : " ") + known.back();
        }
    return "unknown command " + quoted(word) + protocol::did_you_mean(word, known) +
           "; there are: " + all;
}

complaint read_command(const char* word, firestarter_arguments& into) {
    auto known = firestarter::find_word(word);
    if (!known) return unknown_command(word);
    if (into.signal && !known->takes_signal)
        return std::string("--signal: '") + word + "' sends no signal of choice";
    into.command = known->name;
    into.word = word;
    return std::nullopt;
}

complaint read_words(const known_subcommand& of, int count, char** words,
                     firestarter_arguments& into) {
    if (into.what != of.what) return std::nullopt; // help or version
    if (of.what == ctrl) {
        if (count != 2) return usage_of(of);
        into.group = words[0];
        if (auto wrong = read_command(words[1], into)) return wrong;
    } else if (count > 0) {
        return quoted(words[0]) + " is too much; " + usage_of(of);
    }
    return check_socket_path(into.socket_path);
}

complaint read_subcommand(int argc, char* const* argv, firestarter_arguments& into) {
    const known_subcommand* of = find(argv[0]);
    if (!of) return unknown_subcommand(argv[0]);
    if (of->what == help) {
        if (argc > 2) return usage_of(*of);
        if (argc == 2 && !find(argv[1])) return unknown_subcommand(argv[1]);
        into.what = help;
        if (argc == 2) into.topic = argv[1];
        return std::nullopt;
    }
    std::vector<char*> words(argv, argv + argc + 1); // getopt puts the options first
    into.what = of->what;
    into.topic = of->name;
    if (auto wrong = read_options(argc, words.data(), *of, into)) return wrong;
    return read_words(*of, argc - optind, words.data() + optind, into);
}

complaint read(int argc, char* const* argv, firestarter_arguments& into) {
    if (argc < 2) return std::nullopt;
    std::string_view first = argv[1];
    if (first == "-h" || first == "--help") return into.what = help, std::nullopt;
    if (first == "-V" || first == "--version") return into.what = version, std::nullopt;
    if (first.starts_with('-'))
        return "unknown option " + quoted(first) + "; 'firestarter help' lists all subcommands";
    return read_subcommand(argc - 1, argv + 1, into);
}

void append(std::string& text, std::string left, const char* right) {
    left.resize(std::max<std::size_t>(left.size() + 2, 30), ' ');
    text += "  " + left + right + "\n";
}

void append_options(std::string& text, bool signal) {
    text += "\nOptions:\n";
    append(text, "-d, --socket-path PATH", "the daemon's socket (default: see below)");
    if (signal)
        append(text, "-s, --signal SIGNAL", "instead of SIGTERM, or of ack_signal in an upgrade");
    append(text, "-h, --help", "this text");
    append(text, "-V, --version", "the version");
}

std::string where_sockets_are() {
    return "\nThe daemon's socket is $TMPDIR/firestarter-control.socket, TMPDIR being /tmp by\n"
           "default; FIRESTARTER_APP_NAME in the environment replaces 'firestarter' in it.\n";
}

std::string usage_of_one(const known_subcommand& one) {
    std::string text = usage_of(one) + "\n" + one.help + ".\n";
    if (one.what == help) return text;
    if (one.what == ctrl) {
        text += "\nCommands:\n";
        for (const firestarter::command& each : firestarter::commands())
            if (each.word) append(text, each.word, each.help);
    }
    append_options(text, one.what == ctrl);
    return text + where_sockets_are();
}

} // namespace

boost::system::result<firestarter_arguments, std::string>
parse_firestarter_arguments(int argc, char* const* argv, std::string default_socket) {
    firestarter_arguments made{.socket_path = std::move(default_socket)};
    if (auto wrong = read(argc, argv, made))
        return boost::system::result<firestarter_arguments, std::string>(
            boost::system::in_place_error, *wrong);
    return made;
}

std::string default_firestarter_socket() {
    const char* directory = std::getenv("TMPDIR");
    const char* name = std::getenv("FIRESTARTER_APP_NAME");
    std::string path = directory && *directory ? directory : "/tmp";
    while (path.ends_with('/'))
        path.pop_back();
    return path + "/" + (name && *name ? name : "firestarter") + "-control.socket";
}

std::string firestarter_usage(const std::string& topic) {
    if (const known_subcommand* one = find(topic)) return usage_of_one(*one);
    std::string text = "usage: firestarter SUBCOMMAND [ARGUMENTS]\n"
                       "Runs groups of processes on shared sockets, and tells them what to do.\n\n"
                       "Subcommands:\n";
    for (const known_subcommand& one : table)
        append(text, std::string(one.name) + " " + one.arguments, one.help);
    text += "\nOptions:\n";
    append(text, "-h, --help", "this text");
    append(text, "-V, --version", "the version");
    return text + where_sockets_are() + "See firestarter(1).\n";
}

} // namespace einhyrningsins::ctl
