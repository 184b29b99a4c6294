// SPDX-License-Identifier: GPL-3.0-or-later
#include "world/calls/call.hpp"

#include <chrono>
#include <cstring>
#include <ctime>

#include <unistd.h>

namespace einhyrningsins::world {
namespace {

timespec to_timespec(instant time) {
    return {time.count() / 1'000'000'000, time.count() % 1'000'000'000};
}

} // namespace

SYSTEM_CALL(int, nanosleep, (const timespec* pause, timespec* left), (pause, left)) {
    ignore(left);
    instant length = std::chrono::seconds(pause->tv_sec) + std::chrono::nanoseconds(pause->tv_nsec);
    simulation()->wait([] { return false; }, simulation()->now() + length);
    return 0;
}

LIBRARY_CALL(int, clock_gettime, (clockid_t clock, timespec* into), (clock, into)) {
    instant now = simulation()->read_clock();
    *into = to_timespec(clock == CLOCK_REALTIME ? simulation()->wall() : now);
    return 0;
}

LIBRARY_CALL(time_t, time, (time_t * into), (into)) {
    simulation()->read_clock();
    time_t now = to_timespec(simulation()->wall()).tv_sec;
    if (into) *into = now;
    return now;
}

/// std::chrono::steady_clock::now() and system_clock::now(), whose code may be in a shared library.
LIBRARY_CALL(std::chrono::steady_clock::time_point, _ZNSt6chrono3_V212steady_clock3nowEv, (), ()) {
    return std::chrono::steady_clock::time_point(simulation()->read_clock());
}
LIBRARY_CALL(std::chrono::system_clock::time_point, _ZNSt6chrono3_V212system_clock3nowEv, (), ()) {
    simulation()->read_clock();
    return std::chrono::system_clock::time_point(simulation()->wall());
}

/// The same in each history.
LIBRARY_CALL(int, getentropy, (void* into, size_t size), (into, size)) {
    std::memset(into, 7, size);
    return 0;
}

} // namespace einhyrningsins::world
