// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/signals.hpp"

#include <csignal>

#include <sys/signalfd.h>
#include <unistd.h>

namespace einhyrningsins::os {

void block_all_signals() {
    for (int number = 1; number <= SIGRTMAX; ++number)
        ::signal(number, SIG_DFL); // fails for SIGKILL, SIGSTOP and glibc's own, which is fine
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, nullptr);
}

result<unique_fd> open_signal_fd() {
    sigset_t wanted;
    sigemptyset(&wanted);
    for (int number : {SIGHUP, SIGINT, SIGUSR2, SIGTERM, SIGQUIT, SIGTTIN, SIGTTOU, SIGUSR1,
                       SIGCONT, SIGALRM, SIGCHLD})
        sigaddset(&wanted, number);
    unique_fd fd(::signalfd(-1, &wanted, SFD_NONBLOCK | SFD_CLOEXEC));
    if (!fd) return last_error("signalfd");
    return fd;
}

std::vector<int> read_signals(int signal_fd) {
    std::vector<int> numbers;
    signalfd_siginfo arrived[16];
    ssize_t size;
    while ((size = ::read(signal_fd, arrived, sizeof arrived)) > 0)
        for (std::size_t i = 0; i < static_cast<std::size_t>(size) / sizeof *arrived; ++i)
            numbers.push_back(static_cast<int>(arrived[i].ssi_signo));
    return numbers;
}

int send_signal(pid_t pid, int number) { return ::kill(pid, number) == 0 ? 0 : errno; }

} // namespace einhyrningsins::os
