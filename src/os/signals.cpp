// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/signals.hpp"

#include <csignal>

#include <sys/signalfd.h>
#include <unistd.h>

namespace einhyrningsins::os {
namespace {

/// SPEC section 3, without SIGCHLD: a process that ignored it would lose its dead children.
constexpr int of_masters[] = {SIGHUP,  SIGINT,  SIGUSR2, SIGTERM, SIGQUIT,
                              SIGTTIN, SIGTTOU, SIGUSR1, SIGCONT, SIGALRM};

void change_mask_of_ending(int how) {
    sigset_t ending;
    sigemptyset(&ending);
    for (int number : {SIGINT, SIGTERM, SIGQUIT, SIGHUP})
        sigaddset(&ending, number);
    sigprocmask(how, &ending, nullptr);
}

} // namespace

unblocked_ending::unblocked_ending() { change_mask_of_ending(SIG_UNBLOCK); }
unblocked_ending::~unblocked_ending() { change_mask_of_ending(SIG_BLOCK); }

void ignore_signals(bool ignored) {
    for (int number : of_masters)
        ::signal(number, ignored ? SIG_IGN : SIG_DFL);
}

void block_all_signals() {
    for (int number = 1; number <= SIGRTMAX; ++number)
        ::signal(number, SIG_DFL); // fails for SIGKILL, SIGSTOP and those of glibc
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, nullptr);
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
