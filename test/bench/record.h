/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdint.h>

/* The file that every bench worker maps and notes its main() in: scripts/bench reads it. */
enum { record_slots = 65536 };

struct record {
    uint64_t count;
    struct {
        uint64_t ns; /* CLOCK_MONOTONIC */
        uint64_t pid;
    } slot[record_slots];
};
