/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The worker of the measurements: notes when its main() was reached in the file BENCH_RECORD, acks
 * if BENCH_ACK is set (after the FIFO BENCH_GATE was opened by a writer, if that is set), and waits
 * for a signal to end it. */

#include "record.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static void note(uint64_t ns) {
    const char* path = getenv("BENCH_RECORD");
    const int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0) _exit(9);
    struct record* all = mmap(NULL, sizeof *all, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (all == MAP_FAILED) _exit(9);
    const uint64_t slot = __atomic_fetch_add(&all->count, 1, __ATOMIC_SEQ_CST) % record_slots;
    all->slot[slot].pid = (uint64_t)getpid();
    __atomic_store_n(&all->slot[slot].ns, ns, __ATOMIC_SEQ_CST);
    munmap(all, sizeof *all);
    close(fd);
}

static void ack(void) {
    const char* path = getenv("EINHORN_SOCK_PATH");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (!path || strlen(path) >= sizeof address.sun_path) _exit(8);
    strcpy(address.sun_path, path);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr*)&address, sizeof address) < 0) _exit(8);
    char line[80];
    const int size =
        snprintf(line, sizeof line, "{\"command\":\"worker:ack\",\"pid\":%d}\n", getpid());
    if (write(fd, line, (size_t)size) != size) _exit(8);
    if (read(fd, line, sizeof line) <= 0) _exit(8);
    close(fd);
}

int main(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    note((uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec);
    const char* gate = getenv("BENCH_GATE");
    if (gate) close(open(gate, O_RDONLY | O_CLOEXEC));
    if (getenv("BENCH_ACK")) ack();
    for (;;)
        pause();
}
