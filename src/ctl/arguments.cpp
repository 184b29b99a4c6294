// SPDX-License-Identifier: GPL-3.0-or-later
#include "ctl/arguments.hpp"

#include "core/socket_path.hpp"
#include "protocol/commands.hpp"

#include <getopt.h>

#include <cstdlib>
#include <cstring>

namespace einhyrningsins::ctl {
namespace {

using complaint = std::optional<std::string>;
using protocol::quoted;

/// What getopt_long(3) calls those that have no letter.
enum long_only { json_option = 256, timeout_option, version_option };

struct known_option {
    int id; ///< its letter, or one of long_only
    const char* name;
    const char* value; ///< what help calls its value; null if it takes none
    const char* help;
};

constexpr known_option table[] = {
    {'c', "command-name", "NAME", "the master of that name: /tmp/einhorn-NAME.sock"},
    {'d', "socket-path", "PATH", "its control socket; default /tmp/einhorn.sock"},
    {'e', "execute", "COMMANDS", "several commands with ';' between them"},
    {'g', "group", "GROUP", "the group that commands mean; default: all"},
    {json_option, "json", nullptr, "print each reply as a line of JSON"},
    {timeout_option, "timeout", "SECONDS", "wait so long for an answer; default 10, 0 = for ever"},
    {'h', "help", nullptr, "this text"},
    {version_option, "version", nullptr, "the version"},
};
constexpr const char* letters = "+:c:d:e:g:h"; // '+': stop at the first word that is no option

std::vector<option> for_getopt() {
    std::vector<option> options;
    for (const known_option& one : table)
        options.push_back({one.name, one.value ? required_argument : no_argument, nullptr, one.id});
    options.push_back({});
    return options;
}

std::string unknown_option(const char* word, int letter) {
    bool is_long = std::strncmp(word, "--", 2) == 0;
    if (!is_long) return std::string("unknown option '-") + static_cast<char>(letter) + "'";
    std::string name(word, std::strcspn(word, "="));
    if (letter != 0) return quoted(name) + " takes no value";
    std::vector<std::string> names;
    for (const known_option& one : table)
        names.push_back(std::string("--") + one.name);
    return "unknown option " + quoted(name) + protocol::did_you_mean(name, names) +
           "; --help lists all";
}

std::string missing_value(int id) {
    for (const known_option& one : table)
        if (one.id == id) return std::string("option '--") + one.name + "' needs a " + one.value;
    return "a value is missing";
}

complaint read_timeout(const char* text, arguments& into) {
    char* end = nullptr;
    double seconds = std::strtod(text, &end);
    bool plain = *text != '\0' && std::strspn(text, "0123456789.") == std::strlen(text);
    if (!plain || *end != '\0' || seconds > 1e9)
        return "--timeout " + quoted(text) + ": must be a number of seconds, 0 = for ever";
    into.timeout = seconds;
    return std::nullopt;
}

/// The two that say where the master is.
struct address {
    const char* path = nullptr;
    const char* name = nullptr;
};

complaint read_address(const address& given, arguments& into) {
    if (given.name) into.socket_path = std::string("/tmp/einhorn-") + given.name + ".sock";
    if (given.path) into.socket_path = given.path;
    return check_socket_path(into.socket_path);
}

complaint read_option(int id, arguments& into, address& where) {
    switch (id) {
    case 'c': where.name = optarg; break;
    case 'd': where.path = optarg; break;
    case 'e': into.script = into.script.value_or("") + optarg + "\n"; break;
    case 'g': into.group = optarg; break;
    case 'h': into.help = true; break;
    case json_option: into.json = true; break;
    case version_option: into.version = true; break;
    case timeout_option: return read_timeout(optarg, into);
    case ':': return missing_value(optopt);
    default: return "unknown option";
    }
    return std::nullopt;
}

complaint read(int argc, char* const* argv, arguments& into) {
    std::vector<option> options = for_getopt();
    address where;
    optind = 0; // begins anew, see getopt(3)
    opterr = 0;
    for (int id; (id = getopt_long(argc, argv, letters, options.data(), nullptr)) != -1;) {
        if (id == '?') return unknown_option(argv[optind - 1], optopt);
        if (auto wrong = read_option(id, into, where)) return wrong;
    }
    into.command.assign(argv + optind, argv + argc);
    if (into.script && !into.command.empty())
        return quoted(into.command[0]) + ": give either -e or a command";
    return read_address(where, into);
}

} // namespace

std::string complain_about_option(const char* word, int id, const char* help) {
    bool is_long = std::string_view(word).starts_with("--");
    std::string name = is_long ? word : std::string("-") + static_cast<char>(optopt);
    if (id == ':') return "option " + quoted(name) + " needs a value";
    return "option " + quoted(name) + " is unknown, ambiguous or takes no value; " + help +
           " lists all";
}

std::optional<std::string> check_socket_path(const std::string& path) {
    if (path.empty()) return "the path of the control socket is empty";
    auto wrong = core::complain_of_socket_path(path);
    return wrong ? quoted(path) + ": " + *wrong : wrong;
}

boost::system::result<arguments, std::string> parse_arguments(int argc, char* const* argv) {
    arguments made;
    if (auto wrong = read(argc, argv, made))
        return boost::system::result<arguments, std::string>(boost::system::in_place_error, *wrong);
    return made;
}

std::string usage() {
    std::string text =
        "usage: einhyrningsinsctl [OPTIONS] [COMMAND [ARGS...]]\n"
        "Tells a running einhyrningsins what to do; without COMMAND it is a shell.\n\n";
    for (const known_option& one : table) {
        std::string left =
            one.id < json_option ? std::string("  -") + char(one.id) + ", " : "      ";
        left +=
            std::string("--") + one.name + (one.value ? " " : "") + (one.value ? one.value : "");
        left.resize(30, ' ');
        text += left + one.help + "\n";
    }
    return text + "\n" + protocol::help_text() + "\n";
}

} // namespace einhyrningsins::ctl
