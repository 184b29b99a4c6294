// SPDX-License-Identifier: GPL-3.0-or-later
#include "ctl/interrupt.hpp"

#include <signal.h>

#include <utility>

namespace einhyrningsins::ctl {
namespace {

volatile sig_atomic_t pressed = 0;

void note(int) { pressed = 1; }

} // namespace

void catch_interrupts() {
    struct sigaction action = {};
    action.sa_handler = note; // without SA_RESTART: what waits must hear of it
    sigaction(SIGINT, &action, nullptr);
}

bool take_interrupt() {
    bool was = pressed != 0;
    pressed = 0;
    return was;
}

} // namespace einhyrningsins::ctl
