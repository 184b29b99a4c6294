/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 *   control PATH COUNT WINDOW    sends COUNT requests over one connection to the control socket,
 * WINDOW of them without waiting for an answer, and prints the requests a second. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static const char request[] = "{\"id\":1,\"command\":\"ehlo\"}\n";

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void fail(const char* what) {
    perror(what);
    exit(1);
}

static void send_requests(int fd, long count) {
    static char batch[sizeof request * 4096];
    size_t size = 0;
    for (long n = 0; n < count; ++n, size += sizeof request - 1)
        memcpy(batch + size, request, sizeof request - 1);
    for (size_t sent = 0; sent < size;) {
        const ssize_t part = write(fd, batch + sent, size - sent);
        if (part < 0) fail("control: write");
        sent += (size_t)part;
    }
}

/* How many replies came. */
static long receive(int fd) {
    char buffer[65536];
    const ssize_t size = read(fd, buffer, sizeof buffer);
    if (size <= 0) fail("control: read");
    long lines = 0;
    for (const char* at = buffer; (at = memchr(at, '\n', (size_t)(buffer + size - at))); ++at)
        ++lines;
    return lines;
}

int main(int argc, char** argv) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (argc != 4 || strlen(argv[1]) >= sizeof address.sun_path || atol(argv[3]) > 4096) {
        fputs("usage: control PATH COUNT WINDOW\n", stderr);
        return 2;
    }
    strcpy(address.sun_path, argv[1]);
    const long count = atol(argv[2]), window = atol(argv[3]);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr*)&address, sizeof address) < 0) fail("control: connect");

    const double began = now();
    long sent = 0, received = 0;
    while (received < count) {
        /* A new batch when half of the window is free, so that neither side runs dry. */
        const long room = window - (sent - received);
        if (sent < count && (room * 2 >= window)) {
            const long batch = room < count - sent ? room : count - sent;
            send_requests(fd, batch);
            sent += batch;
        }
        received += receive(fd);
    }
    printf("%.0f\n", (double)count / (now() - began));
    return 0;
}
