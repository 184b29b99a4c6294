// SPDX-License-Identifier: GPL-3.0-or-later
//
// One of the other workers as a shared object to preload (-p): PROGRAM_SOURCE is its source. What
// loading it does beside is told by variables of the environment, see `loaded`.

#define main program_main
#include PROGRAM_SOURCE
#undef main

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <mutex>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

namespace {

std::vector<char> ballast;

/// A line that says what was loaded and by whom.
void note_load(const char* path) {
    const int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    const std::string line = std::to_string(getpid()) + "\n";
    if (write(fd, line.data(), line.size()) < 0) std::_Exit(8);
    close(fd);
}

/// What happens when the object is loaded.
struct loader {
    loader() {
        if (const char* path = std::getenv("PRELOAD_NOTE")) note_load(path);
        if (const char* number = std::getenv("PRELOAD_MB"))
            ballast.assign(std::size_t(std::atoi(number)) << 20, 'x');
        if (const char* path = std::getenv("PRELOAD_HANG_WHILE"))
            while (access(path, F_OK) == 0)
                usleep(10'000);
        if (const char* code = std::getenv("PRELOAD_EXIT")) std::_Exit(std::atoi(code));
        if (std::getenv("PRELOAD_THREAD")) std::thread([] { pause(); }).detach();
        if (const char* path = std::getenv("PRELOAD_OPEN"))
            if (open(path, O_RDONLY | O_CLOEXEC) < 0) std::_Exit(8);
        if (const char* text = std::getenv("PRELOAD_PRINT")) std::fputs(text, stdout);
    }
} loaded;

/// Whether what the C library keeps about its thread is true in a forked worker: a recursive mutex
/// and a thread know it by its id.
int use_threads() {
    std::recursive_mutex twice;
    const std::lock_guard outer(twice), inner(twice);
    std::mutex mutex;
    std::condition_variable changed;
    bool foreign_lock = true, done = false;
    std::thread other([&] {
        foreign_lock = twice.try_lock();
        const std::lock_guard lock(mutex);
        done = true;
        changed.notify_one();
    });
    {
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return done; });
    }
    other.join();
    return foreign_lock ? 5 : 42;
}

/// A mutex that only its owner may unlock, and that tells if its owner takes it again.
int use_checked_mutex() {
    pthread_mutexattr_t kind;
    pthread_mutexattr_init(&kind);
    pthread_mutexattr_settype(&kind, PTHREAD_MUTEX_ERRORCHECK);
    pthread_mutexattr_setrobust(&kind, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_t mutex;
    pthread_mutex_init(&mutex, &kind);
    pthread_mutex_lock(&mutex);
    if (mutex.__data.__owner != gettid()) return 5;
    if (pthread_mutex_lock(&mutex) != EDEADLK) return 6;
    return pthread_mutex_unlock(&mutex) == 0 ? 42 : 7;
}

} // namespace

extern "C" int einhorn_main(int argc, char** argv) {
    const std::string deed = argc > 1 ? argv[1] : "";
    if (deed == "return") return 42;
    if (deed == "raise") return raise(SIGSEGV);
    if (deed == "abort") std::abort();
    if (deed == "throw") throw 1;
    if (deed == "threads") return use_threads();
    if (deed == "mutex") return use_checked_mutex();
    return program_main(argc, argv);
}
