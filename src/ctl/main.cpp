// SPDX-License-Identifier: GPL-3.0-or-later
#include "ctl/arguments.hpp"
#include "ctl/client.hpp"
#include "ctl/console.hpp"
#include "ctl/einhorn_arguments.hpp"
#include "ctl/einhorn_console.hpp"
#include "ctl/exit_code.hpp"
#include "ctl/firestarter_arguments.hpp"
#include "ctl/firestarter_console.hpp"
#include "ctl/shell.hpp"
#include "protocol/dialect.hpp"
#include "protocol/version.hpp"

#include <errno.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string>
#include <string_view>

namespace {

using namespace einhyrningsins::ctl;
using einhyrningsins::protocol::version;

display display_for(const arguments& given) {
    const char* kind = std::getenv("TERM");
    bool terminal = isatty(1) && kind && std::strcmp(kind, "dumb") != 0;
    return {
        .json = given.json, .terminal = terminal, .colour = terminal && !std::getenv("NO_COLOR")};
}

/// Where there was nothing to ask a master, it still has to be there.
exit_code conclude(client& master, exit_code so_far) {
    if (so_far != exit_code::done || master.has_connected()) return so_far;
    auto failed = master.connect();
    if (!failed) return so_far;
    complain(failed->message);
    return failed->code;
}

exit_code run(const arguments& given) {
    client master(given.socket_path, given.timeout);
    console commands(master, given.group, display_for(given));
    if (given.script) return conclude(master, commands.run_text(*given.script));
    if (!given.command.empty()) return commands.run_all({given.command});
    if (isatty(0) && isatty(1)) return run_shell(master, commands);
    return conclude(master, run_lines(commands));
}

exit_code run_einhornsh(const einhorn_arguments& given) {
    // As long as einhorn itself needs: while it loads a program it answers nobody.
    constexpr double for_ever = 0;
    client master(given.socket_path, for_ever, einhyrningsins::protocol::einhorn_dialect());
    einhorn_console commands(master);
    if (given.script) return conclude(master, commands.run_text(*given.script));
    if (isatty(0) && isatty(1)) return run_shell(master, commands);
    return conclude(master, run_lines(commands));
}

exit_code start_einhornsh(int argc, char** argv) {
    set_program_name("einhornsh");
    const char* directory = std::getenv("TMPDIR");
    auto given = parse_einhorn_arguments(argc, argv, directory && *directory ? directory : "/tmp");
    if (!given) {
        complain(given.error());
        return exit_code::wrong_usage;
    }
    if (given->help) return std::fputs(einhorn_shell_usage().c_str(), stdout), exit_code::done;
    return run_einhornsh(*given);
}

exit_code start_firestarter(int argc, char** argv) {
    set_program_name("firestarter");
    auto given = parse_firestarter_arguments(argc, argv, default_firestarter_socket());
    if (!given) {
        complain(given.error());
        return exit_code::wrong_usage;
    }
    return run_firestarter(*given);
}

bool is_called(std::string_view path, std::string_view name) {
    return path.substr(path.rfind('/') + 1) == name;
}

exit_code start(int argc, char** argv) {
    if (argc > 0 && is_called(argv[0], "einhornsh")) return start_einhornsh(argc, argv);
    if (argc > 0 && is_called(argv[0], "firestarter")) return start_firestarter(argc, argv);
    auto given = parse_arguments(argc, argv);
    if (!given) {
        complain(given.error());
        return exit_code::wrong_usage;
    }
    if (given->help) return std::fputs(usage().c_str(), stdout), exit_code::done;
    if (given->version) return std::printf("einhyrningsinsctl %s\n", version), exit_code::done;
    return run(*given);
}

/// Whoever reads our output must be able to trust that it is all there.
exit_code flush(exit_code so_far) {
    if (std::fflush(stdout) == 0 && !std::ferror(stdout)) return so_far;
    complain(std::string("standard output: ") + std::strerror(errno));
    return std::max(so_far, exit_code::failed);
}

} // namespace

int main(int argc, char** argv) {
    try {
        return static_cast<int>(flush(start(argc, argv)));
    } catch (const std::exception& error) {
        complain(error.what());
        return static_cast<int>(exit_code::failed);
    }
}
