// SPDX-License-Identifier: GPL-3.0-or-later
//
// What is printed goes to descriptor 2 of the process, whichever stream it is for.
#include "world/calls/call.hpp"

#include <cstdarg>
#include <cstdio>

namespace einhyrningsins::world {
namespace {

int print(std::FILE* to, const char* format, va_list arguments) {
    if (!simulation()) return std::vfprintf(to, format, arguments);
    char text[4096];
    int size = std::vsnprintf(text, sizeof text, format, arguments);
    if (auto open = simulation()->file_of(self(), 2)) open->write(text);
    return size;
}

} // namespace

extern "C" int __wrap_fprintf(std::FILE* to, const char* format, ...);
extern "C" int __wrap_fprintf(std::FILE* to, const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int size = print(to, format, arguments);
    va_end(arguments);
    return size;
}

/// What fprintf(3) becomes by _FORTIFY_SOURCE.
extern "C" int __wrap___fprintf_chk(std::FILE* to, int flag, const char* format, ...);
extern "C" int __wrap___fprintf_chk(std::FILE* to, int flag, const char* format, ...) {
    ignore(flag);
    va_list arguments;
    va_start(arguments, format);
    int size = print(to, format, arguments);
    va_end(arguments);
    return size;
}

} // namespace einhyrningsins::world
