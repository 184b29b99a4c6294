/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The floor of the measurements: the least that a master could do, in C and without any thought.
 *
 *   floor [-u UID:GID] N PROGRAM [ARGS]    starts N workers by vfork and exec, or by fork,
 * setresuid and exec with -u; replaces each that dies; on SIGHUP starts N new ones and sends
 * SIGUSR2 to the old ones. On SIGTERM it kills them and exits. */

#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { most = 20000 };
static pid_t workers[most];
static volatile sig_atomic_t upgrade, stop;
static unsigned uid, gid; /* 0: unchanged */

static void on_hup(int number) { (void)number, upgrade = 1; }
static void on_term(int number) { (void)number, stop = 1; }

static void change_user(void) {
    if (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
        _exit(126);
}

static pid_t spawn(char** command) {
    const pid_t pid = uid ? fork() : vfork();
    if (pid == 0) {
        if (uid) change_user();
        execv(command[0], command);
        _exit(127);
    }
    if (pid < 0) {
        perror("floor: fork");
        exit(1);
    }
    return pid;
}

static void replace(pid_t dead, int count, char** command) {
    for (int n = 0; n < count; ++n)
        if (workers[n] == dead) workers[n] = spawn(command);
}

static void replace_all(int count, char** command) {
    static pid_t old[most];
    memcpy(old, workers, sizeof old);
    for (int n = 0; n < count; ++n)
        workers[n] = spawn(command);
    for (int n = 0; n < count; ++n)
        kill(old[n], SIGUSR2);
}

int main(int argc, char** argv) {
    if (argc > 2 && strcmp(argv[1], "-u") == 0 && sscanf(argv[2], "%u:%u", &uid, &gid) == 2)
        argc -= 2, argv += 2;
    const int count = argc > 2 ? atoi(argv[1]) : 0;
    if (count < 1 || count > most) {
        fputs("usage: floor [-u UID:GID] N PROGRAM [ARGS]\n", stderr);
        return 2;
    }
    struct sigaction action = {.sa_handler = on_hup};
    sigaction(SIGHUP, &action, NULL);
    action.sa_handler = on_term;
    sigaction(SIGTERM, &action, NULL);

    for (int n = 0; n < count; ++n)
        workers[n] = spawn(argv + 2);
    while (!stop) {
        const pid_t dead = waitpid(-1, NULL, 0);
        if (upgrade) {
            upgrade = 0;
            replace_all(count, argv + 2);
        }
        if (dead > 0 && !stop) replace(dead, count, argv + 2);
    }
    for (int n = 0; n < count; ++n)
        kill(workers[n], SIGKILL);
    while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
        continue;
    return 0;
}
