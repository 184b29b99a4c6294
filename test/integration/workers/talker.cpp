// SPDX-License-Identifier: GPL-3.0-or-later
//
// A worker that writes, for tests of logs. It does what its words say, in their order, and then
// waits for a signal.
//
//   --say TEXT        to standard output; \n is a newline
//   --complain TEXT   to standard error
//   --stream LINES    numbered lines with its pid to standard output, in pieces that know nothing
//                     of lines; 0: without end
//   --rest USEC       pauses so long between two pieces from now on
//   --await FILE      waits until the file is there
//   --stamp FILE      writes the time in seconds since the epoch that the words before have taken
//   --kill            SIGKILL to itself
//   --exit CODE
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>

#include <unistd.h>

namespace {

useconds_t rest = 0;

void put(int fd, std::string_view text) {
    while (!text.empty()) {
        ssize_t written = ::write(fd, text.data(), text.size());
        if (written <= 0) ::_exit(3);
        text.remove_prefix(static_cast<std::size_t>(written));
    }
}

std::string unescaped(std::string text) {
    for (std::size_t at; (at = text.find("\\n")) != std::string::npos;)
        text.replace(at, 2, "\n");
    return text;
}

void stream(long lines) {
    constexpr std::size_t piece = 777;
    std::string text;
    for (long n = 0; lines == 0 || n < lines; ++n) {
        text += "worker " + std::to_string(::getpid()) + " line " + std::to_string(n) + " " +
                std::string(static_cast<std::size_t>(n % 120), 'x') + "\n";
        while (text.size() >= piece) {
            put(STDOUT_FILENO, std::string_view(text).substr(0, piece));
            text.erase(0, piece);
            if (rest > 0) ::usleep(rest);
        }
    }
    put(STDOUT_FILENO, text);
}

int talk(int argc, char** argv) {
    auto began = std::chrono::steady_clock::now();
    for (int n = 1; n < argc; ++n) {
        std::string_view word = argv[n];
        if (word == "--kill") std::raise(SIGKILL);
        const char* value = n + 1 < argc ? argv[++n] : "";
        if (word == "--say") put(STDOUT_FILENO, unescaped(value));
        if (word == "--complain") put(STDERR_FILENO, unescaped(value));
        if (word == "--stream") stream(std::atol(value));
        if (word == "--rest") rest = static_cast<useconds_t>(std::atoi(value));
        while (word == "--await" && ::access(value, F_OK) != 0)
            ::usleep(1000);
        if (word == "--exit") return std::atoi(value);
        if (word == "--stamp") {
            std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
            std::ofstream(value) << took.count() << std::endl;
        }
    }
    ::pause();
    return 0;
}

} // namespace

int main(int argc, char** argv) { return talk(argc, argv); }
