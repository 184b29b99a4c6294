// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "world/kernel/kernel.hpp"

#include <cerrno>
#include <memory>
#include <string_view>

/// The functions of the C library that the tested program calls, simulated. The linker replaces
/// each call of `open`, for example, by one of `__wrap_open` (ld(1), --wrap). While no simulation
/// is active these pass on to the real functions.
namespace einhyrningsins::world {

/// The active simulation; null: there is none. It is kept in thread-local storage, which is not
/// reset with the variables of a program, see image.
kernel*& simulation();

inline process& self() { return *simulation()->current; }

/// From the kernel's convention to that of the C library.
inline long answer(long value) {
    if (value >= 0) return value;
    errno = static_cast<int>(-value);
    return -1;
}

/// A parameter that the simulation does not look at.
template <class... Ignored>
void ignore(const Ignored&...) {}

#define SYSTEM_CALL(type, name, parameters, arguments)                                             \
    static long simulated_##name parameters;                                                       \
    extern "C" type __real_##name parameters;                                                      \
    extern "C" type __wrap_##name parameters;                                                      \
    extern "C" type __wrap_##name parameters {                                                     \
        if (!simulation()) return __real_##name arguments;                                         \
        int refused = simulation()->enter(#name);                                                  \
        return static_cast<type>(answer(refused ? -refused : simulated_##name arguments));         \
    }                                                                                              \
    static long simulated_##name parameters

/// One that returns what it returns, which is no errno.
#define LIBRARY_CALL(type, name, parameters, arguments)                                            \
    static type simulated_##name parameters;                                                       \
    extern "C" type __real_##name parameters;                                                      \
    extern "C" type __wrap_##name parameters;                                                      \
    extern "C" type __wrap_##name parameters {                                                     \
        return simulation() ? simulated_##name arguments : __real_##name arguments;                \
    }                                                                                              \
    static type simulated_##name parameters

} // namespace einhyrningsins::world
