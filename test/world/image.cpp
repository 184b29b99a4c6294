// SPDX-License-Identifier: GPL-3.0-or-later
#include "world/image.hpp"

#include "world/calls/call.hpp"

#include <csetjmp>
#include <cstddef>
#include <utility>

#include <cxxabi.h>
#include <unistd.h>

/// Of the linker: the variables of this executable.
extern "C" char __data_start, _end;

namespace einhyrningsins::world {

kernel*& simulation() {
    static thread_local kernel* active = nullptr;
    return active;
}

namespace {

enum outcome { begun, replaced, left };

/// Byte by byte: under the address sanitizer, there are gaps that only this may touch.
__attribute__((no_sanitize("address"))) void copy(char* to, const char* from, std::size_t size) {
    for (std::size_t n = 0; n < size; ++n)
        static_cast<volatile char*>(to)[n] = from[n];
}

/// All variables of static duration, as they are at a time.
class variables {
  public:
    static std::size_t size() { return static_cast<std::size_t>(&_end - &__data_start); }
    variables() : kept_(new char[size()]) { copy(kept_, &__data_start, size()); }
    ~variables() { delete[] kept_; }
    variables(const variables&) = delete;
    variables& operator=(const variables&) = delete;
    void restore() const { copy(&__data_start, kept_, size()); }

  private:
    char* kept_;
};

thread_local std::jmp_buf* way_out = nullptr;
thread_local unsigned images = 0;
thread_local const variables* at_start = nullptr;

/// argv and, directly after it, the environment, as the system lays them out. Not freed.
struct words {
    explicit words(const process& of) {
        std::size_t size = 0;
        for (const auto* list : {&of.arguments, &of.environment})
            for (const std::string& each : *list)
                size += each.size() + 1;
        char* at = new char[size + 1]();
        arguments = lay_out(of.arguments, at);
        environment = lay_out(of.environment, at);
    }

    char** arguments;
    char** environment;

  private:
    static char** lay_out(const std::vector<std::string>& texts, char*& at) {
        char** list = new char*[texts.size() + 1]();
        for (std::size_t n = 0; n < texts.size(); ++n) {
            list[n] = at;
            at += texts[n].copy(at, texts[n].size()) + 1;
        }
        return list;
    }
};

int run_main(const process& in) {
    words of(in);
    environ = of.environment;
    return einhyrningsins_main(static_cast<int>(in.arguments.size()), of.arguments);
}

/// Forgets the exceptions that were handled when the stack was abandoned.
void forget_exceptions() {
    struct globals {
        void* caught;
        unsigned uncaught;
    };
    *reinterpret_cast<globals*>(abi::__cxa_get_globals()) = {};
}

} // namespace

unsigned image::number() { return images; }

void image::run(kernel& system, const process_ptr& in) {
    variables pristine;
    kernel* outer = std::exchange(simulation(), &system);
    char** own_environment = environ;
    std::jmp_buf here;
    way_out = &here;
    at_start = &pristine;
    system.current = in;
    while (setjmp(here) != left) {
        forget_exceptions();
        pristine.restore();
        ++images;
        system.exit(system.current, run_main(*system.current));
        break;
    }
    forget_exceptions();
    pristine.restore();
    ++images;
    system.current = nullptr;
    simulation() = outer;
    environ = own_environment;
    way_out = nullptr;
}

int image::replace(kernel& system, const std::string& path, std::vector<std::string> arguments,
                   std::vector<std::string> environment) {
    int failed = system.load(*system.current, path, std::move(arguments), std::move(environment));
    if (failed) return failed;
    std::longjmp(*way_out, replaced);
}

void image::leave() { std::longjmp(*way_out, left); }

int image::run_beside(kernel& system, const process_ptr& in) {
    variables of_current;
    char** environment = environ;
    process_ptr current = std::exchange(system.current, in);
    bool was_atomic = std::exchange(system.is_atomic, true);
    at_start->restore();
    int code = run_main(*in);
    of_current.restore();
    system.is_atomic = was_atomic;
    system.current = current;
    environ = environment;
    return code;
}

} // namespace einhyrningsins::world
