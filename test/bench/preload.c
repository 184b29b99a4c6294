/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A program with BENCH_MB megabytes of data that all its workers need: as a shared object (-p) they
 * are made when it is loaded, as a program when it begins. It then notes its main() as the worker
 * of the other measurements does, whose source this includes, and waits. */

#define main worker_main
#include "worker.c"
#undef main

static char* volatile data; /* so that the compiler keeps it */

static void load(void) {
    const char* text = getenv("BENCH_MB");
    const size_t size = text ? (size_t)atoi(text) << 20 : 0;
    data = malloc(size + 1);
    if (!data) _exit(7);
    memset(data, 'x', size);
}

#ifdef PRELOADED
__attribute__((constructor)) static void loaded(void) { load(); }

int einhorn_main(int argc, char** argv) {
    (void)argc, (void)argv;
    return worker_main();
}
#else
int main(void) {
    load();
    return worker_main();
}
#endif
