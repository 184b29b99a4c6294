// SPDX-License-Identifier: GPL-3.0-or-later
#include "ctl/einhorn_arguments.hpp"

#include "ctl/arguments.hpp"
#include "protocol/commands.hpp"

#include <getopt.h>

#include <cstring>
#include <utility>
#include <vector>

namespace einhyrningsins::ctl {
namespace {

using complaint = std::optional<std::string>;

constexpr option long_options[] = {{"command-name", required_argument, nullptr, 'c'},
                                   {"socket-path", required_argument, nullptr, 'd'},
                                   {"execute", required_argument, nullptr, 'e'},
                                   {"help", no_argument, nullptr, 'h'},
                                   {}};
constexpr const char* letters = ":c:d:e:h";

/// What says where the master is.
struct address {
    const char* path = nullptr;
    const char* name = nullptr;
};

complaint read_options(int argc, char* const* argv, einhorn_arguments& into, address& where) {
    optind = 0; // begins anew, see getopt(3)
    opterr = 0;
    for (int id; (id = getopt_long(argc, argv, letters, long_options, nullptr)) != -1;) {
        switch (id) {
        case 'c': where.name = optarg; break;
        case 'd': where.path = optarg; break;
        case 'e': into.script = optarg; break;
        case 'h': into.help = true; break;
        default: return complain_about_option(argv[optind - 1], id, "--help");
        }
    }
    return std::nullopt;
}

complaint read_address(const address& given, std::string directory, einhorn_arguments& into) {
    while (directory.ends_with('/'))
        directory.pop_back();
    into.socket_path =
        directory + "/einhorn" + (given.name ? std::string("-") + given.name : "") + ".sock";
    if (given.path) into.socket_path = given.path;
    return check_socket_path(into.socket_path);
}

complaint read(int argc, char* const* argv, std::string directory, einhorn_arguments& into) {
    std::vector<char*> words(argv, argv + argc + 1); // getopt puts the options first
    address where;
    if (auto wrong = read_options(argc, words.data(), into, where)) return wrong;
    if (argc - optind > 1)
        return protocol::quoted(words[optind + 1]) +
               " is too much: there is one NAME; commands are given with -e";
    if (!where.name && optind < argc) where.name = words[optind];
    return read_address(where, std::move(directory), into);
}

} // namespace

boost::system::result<einhorn_arguments, std::string>
parse_einhorn_arguments(int argc, char* const* argv, std::string temporary_directory) {
    using answer = boost::system::result<einhorn_arguments, std::string>;
    einhorn_arguments made;
    if (auto wrong = read(argc, argv, std::move(temporary_directory), made))
        return answer(boost::system::in_place_error, *wrong);
    return made;
}

std::string einhorn_shell_usage() {
    return "usage: einhornsh [OPTIONS] [NAME]\n"
           "The shell of a running einhorn; NAME is that of its -c.\n"
           "\n"
           "  -c, --command-name NAME     the same as NAME\n"
           "  -d, --socket-path PATH      its control socket; default $TMPDIR/einhorn[-NAME].sock\n"
           "  -e, --execute 'COMMANDS'    run these, with ';' between them, and leave\n"
           "  -h, --help                  this text\n"
           "\n"
           "The command 'help' lists the commands; 'quit' leaves the shell.\n";
}

} // namespace einhyrningsins::ctl
