// SPDX-License-Identifier: GPL-3.0-or-later
#include "world/apart.hpp"

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

#include <sys/wait.h>
#include <unistd.h>

namespace einhyrningsins::world {
namespace {

/// A history that does not end, though no system call is made, is ended by SIGALRM.
constexpr unsigned most_seconds = 120;

[[noreturn]] void run_child(const std::function<std::string()>& tell, int to) {
    // Not as Boost.Test handles them, which would go on with the next test.
    for (int number : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGALRM, SIGTRAP})
        ::signal(number, SIG_DFL);
    ::alarm(most_seconds);
    std::string told = tell();
    for (std::size_t at = 0; at < told.size();) {
        ssize_t size = ::write(to, told.data() + at, told.size() - at);
        if (size <= 0) break;
        at += static_cast<std::size_t>(size);
    }
    ::_exit(0);
}

std::string read_all(int from) {
    std::string all;
    char piece[4096];
    for (ssize_t size; (size = ::read(from, piece, sizeof piece)) > 0;)
        all.append(piece, static_cast<std::size_t>(size));
    return all;
}

} // namespace

std::string run_apart(const std::function<std::string()>& tell) {
    int ends[2];
    if (::pipe(ends) != 0) throw std::runtime_error("pipe");
    pid_t child = ::fork();
    if (child < 0) throw std::runtime_error("fork");
    if (child == 0) run_child(tell, ends[1]);
    ::close(ends[1]);
    std::string told = read_all(ends[0]);
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    if (WIFSIGNALED(status))
        told += std::string("the test has died: ") + ::strsignal(WTERMSIG(status)) + "\n";
    return told;
}

std::string run_numbered(const std::function<std::string(unsigned number)>& history) {
    constexpr unsigned in_one_process = 50;
    auto run_some = [&](unsigned first) {
        for (unsigned n = first; n < first + in_one_process; ++n)
            if (std::string told = history(n); !told.empty())
                return told == over ? told : "call " + std::to_string(n) + ": " + told;
        return std::string();
    };
    for (unsigned first = 1;; first += in_one_process) {
        std::string told = run_apart([&] { return run_some(first); });
        if (told == over) return {};
        if (!told.empty()) return "from " + std::to_string(first) + ": " + told;
    }
}

} // namespace einhyrningsins::world
