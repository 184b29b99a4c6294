// SPDX-License-Identifier: GPL-3.0-or-later
#include "config/command_line.hpp"
#include "master/logging.hpp"
#include "master/master.hpp"
#include "master/start_failure.hpp"
#include "os/process.hpp"
#include "os/signals.hpp"
#include "protocol/version.hpp"

#include <boost/asio/io_context.hpp>

#include <cstdio>
#include <string>
#include <vector>

namespace {

using namespace einhyrningsins;

int complain(const std::string& message, int exit_code) {
    std::fprintf(stderr, "einhyrningsins: %s\n", message.c_str());
    return exit_code;
}

int print(const std::string& text) {
    bool written = std::fputs(text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0;
    return written ? 0 : complain("standard output: cannot be written", 1);
}

int serve(config::settings wishes, std::vector<std::string> environment) {
    boost::asio::io_context context(1);
    master::set_up_logging(context, wishes.master);
    int exit_code = 1;
    try {
        master::master everything(context, std::move(wishes), std::move(environment));
        exit_code = everything.run();
    } catch (const master::start_failure& why) {
        complain(why.what(), exit_code);
    }
    master::end_logging();
    return exit_code;
}

} // namespace

int main(int argc, char** argv) {
    os::open_standard_descriptors();
    auto parsed = config::parse_command_line({argv + 1, argv + argc}, os::available_cpus());
    if (!parsed) return complain(parsed.error().message, 2);
    using enum config::request_kind;
    switch (parsed->kind) {
    case help: return print(config::help_text());
    case version: return print(std::string("einhyrningsins ") + protocol::version + "\n");
    case check: return print("the command line is right\n");
    case run: break;
    }
    os::return_large_blocks();
    os::block_all_signals();
    std::vector<std::string> environment = os::take_environment(argc, argv);
    return serve(std::move(parsed->wishes), std::move(environment));
}
