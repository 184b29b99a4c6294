// SPDX-License-Identifier: GPL-3.0-or-later
//
// The log capture on its own: starts COUNT writers, each with a pipe into the log of SPEC, and ends
// when they have. Prints the CPU seconds that it took itself.
//
//   capture SPEC COUNT PROGRAM [ARGS...]
#include "output/capture.hpp"

#include <csignal>
#include <cstdio>
#include <cstdlib>

#include <sys/resource.h>
#include <unistd.h>

using namespace einhyrningsins;

namespace {

[[noreturn]] void give_up(const std::string& why) {
    std::fprintf(stderr, "capture: %s\n", why.c_str());
    std::exit(1);
}

void start(int output, char** command) {
    pid_t pid = ::vfork();
    if (pid < 0) give_up("vfork");
    if (pid > 0) return;
    ::dup2(output, STDOUT_FILENO);
    ::execvp(command[0], command);
    ::_exit(127);
}

double cpu_seconds() {
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    return static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

} // namespace

int main(int argc, char** argv) {
    if (argc < 4) give_up("usage: capture SPEC COUNT PROGRAM [ARGS...]");
    auto spec = config::parse_log_spec(argv[1]);
    if (!spec) give_up(spec.error().message);
    std::signal(SIGCHLD, SIG_IGN);
    boost::asio::io_context context(1);
    output::capture capture(context,
                            [](core::severity, const std::string& text) { give_up(text); });
    for (int n = std::atoi(argv[2]); n > 0; --n) {
        auto end = capture.add(*spec);
        if (!end) give_up(end.error().message());
        start(end->get(), argv + 3);
    }
    while (capture.open_streams() > 0)
        context.run_one();
    std::printf("%.3f\n", cpu_seconds());
}
