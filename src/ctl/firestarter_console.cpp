// SPDX-License-Identifier: GPL-3.0-or-later
#include "ctl/firestarter_console.hpp"

#include "core/printable.hpp"
#include "ctl/client.hpp"
#include "ctl/console.hpp"
#include "protocol/firestarter.hpp"
#include "protocol/version.hpp"

#include <unistd.h>

#include <cstdio>
#include <string>

namespace einhyrningsins::ctl {
namespace {

using enum firestarter_arguments::subcommand;

void print(const std::string& text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
}

const char* command_of(const firestarter_arguments& given) {
    switch (given.what) {
    case list: return "list";
    case status: return "status";
    case stop: return "stop";
    default: return given.command.c_str();
    }
}

/// What changes a group is answered when it has changed, which takes as long as the programs do.
double patience(const firestarter_arguments& given) {
    bool only_asks = given.what == list || given.what == status || given.word == "status";
    return only_asks ? 10 : 0;
}

void show(const firestarter_arguments& given, const protocol::reply& said) {
    if (given.what == list) print("worker names:\n");
    if (given.what == ctrl)
        print("send ctrl command [" + given.word + "] to [" + core::printable(given.group) +
              "] worker\n");
    if (!said.ok) return complain(said.message);
    print(said.message + "\n");
}

exit_code ask(const firestarter_arguments& given) {
    client daemon(
        given.socket_path, patience(given), protocol::firestarter_dialect(),
        {"is 'firestarter run' running, and with the same -d and FIRESTARTER_APP_NAME?", ""});
    protocol::request what{.command = command_of(given),
                           .group = given.group,
                           .pid = getpid(),
                           .signal = given.signal};
    auto answer =
        daemon.ask(what, [&](std::string_view, const protocol::reply& said) { show(given, said); });
    if (!answer) {
        complain(answer.error().message);
        return answer.error().code;
    }
    if (given.what == stop && answer->ok) daemon.await_end();
    return answer->ok ? exit_code::done : exit_code::failed;
}

} // namespace

exit_code run_firestarter(const firestarter_arguments& given) {
    switch (given.what) {
    case help: return print(firestarter_usage(given.topic)), exit_code::done;
    case usage: std::fputs(firestarter_usage("").c_str(), stderr); return exit_code::wrong_usage;
    case version:
        print(std::string("firestarter ") + protocol::firestarter::version + " (einhyrningsins " +
              protocol::version + ")\n");
        return exit_code::done;
    default: return ask(given);
    }
}

} // namespace einhyrningsins::ctl
