// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/signals.hpp"

#include "os/no_sanitizer.hpp"

#include <algorithm>
#include <csignal>

#include <sys/signalfd.h>
#include <unistd.h>

namespace einhyrningsins::os {
namespace {

/// SPEC section 3, without SIGCHLD: a process that ignored it would lose its dead children.
constexpr int of_masters[] = {SIGHUP,  SIGINT,  SIGUSR2, SIGTERM, SIGQUIT,
                              SIGTTIN, SIGTTOU, SIGUSR1, SIGCONT, SIGALRM};

constexpr int of_ending[] = {SIGINT, SIGTERM, SIGQUIT, SIGHUP};

bool is_pending(int number) {
    sigset_t pending;
    return ::sigpending(&pending) == 0 && sigismember(&pending, number) == 1;
}

/// To set an action may discard a pending signal, so what is right already is not set again, and
/// the action of a signal that waits to be heard stays as it is. Fails for SIGKILL, SIGSTOP and
/// those of glibc.
void set_action(int number, sighandler_t wanted) {
    struct sigaction action {};
    bool is_right = ::sigaction(number, nullptr, &action) != 0 || action.sa_handler == wanted;
    if (is_right || is_pending(number)) return;
    action = {};
    action.sa_handler = wanted;
    ::sigaction(number, &action, nullptr);
}

void block(const sigset_t& blocked) {
    sigprocmask(SIG_SETMASK, &blocked, nullptr);
    for (int number = 1; number <= SIGRTMAX; ++number) {
        bool is_ignored = std::ranges::count(of_masters, number) && sigismember(&blocked, number);
        set_action(number, is_ignored ? SIG_IGN : SIG_DFL);
    }
}

} // namespace

void block_all_signals() {
    sigset_t all;
    sigfillset(&all);
    block(all);
}

void block_all_but_ending_signals() {
    sigset_t most;
    sigfillset(&most);
    for (int number : of_ending)
        sigdelset(&most, number);
    block(most);
}

NO_SANITIZER void reset_masters_signals() {
    struct sigaction usual {};
    for (int number : of_masters)
        ::sigaction(number, &usual, nullptr);
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

result<unique_fd> open_signal_fd() {
    sigset_t wanted;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGCHLD);
    for (int number : of_masters)
        sigaddset(&wanted, number);
    unique_fd fd(::signalfd(-1, &wanted, SFD_NONBLOCK | SFD_CLOEXEC));
    if (!fd) return last_error("signalfd");
    return fd;
}

std::vector<int> read_signals(int signal_fd) {
    constexpr std::size_t most = 64; // there are no more signals
    std::vector<int> numbers;
    numbers.reserve(most); // if that fails, nothing has been read
    signalfd_siginfo arrived[most];
    ssize_t size = ::read(signal_fd, arrived, sizeof arrived);
    for (std::size_t i = 0; size > 0 && i < static_cast<std::size_t>(size) / sizeof *arrived; ++i)
        numbers.push_back(static_cast<int>(arrived[i].ssi_signo));
    return numbers;
}

} // namespace einhyrningsins::os
