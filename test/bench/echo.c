/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 *   echo PATH    the floor of the control socket: sends back what it reads, to one client after the
 * other. */

#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void serve(int client) {
    static char buffer[65536];
    const int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event wanted = {.events = EPOLLIN};
    epoll_ctl(epoll, EPOLL_CTL_ADD, client, &wanted);
    for (;;) {
        if (epoll_wait(epoll, &wanted, 1, -1) <= 0) break;
        const ssize_t size = read(client, buffer, sizeof buffer);
        if (size <= 0 || write(client, buffer, (size_t)size) != size) break;
    }
    close(epoll);
    close(client);
}

int main(int argc, char** argv) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (argc != 2 || strlen(argv[1]) >= sizeof address.sun_path) {
        fputs("usage: echo PATH\n", stderr);
        return 2;
    }
    strcpy(address.sun_path, argv[1]);
    const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listener, (struct sockaddr*)&address, sizeof address) < 0 ||
        listen(listener, 16) < 0) {
        perror("echo");
        return 1;
    }
    for (;;)
        serve(accept(listener, NULL, NULL));
}
