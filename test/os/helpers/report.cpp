// SPDX-License-Identifier: GPL-3.0-or-later
//
// report FILE [ARGS...]: writes what it was given by whoever started it to FILE, as "KEY VALUE"
// lines, and exits 0.

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace {

void report_descriptors(FILE* out) {
    DIR* all = opendir("/proc/self/fd");
    while (dirent* entry = readdir(all)) {
        int fd = std::atoi(entry->d_name);
        if (entry->d_name[0] == '.' || fd == dirfd(all) || fd == fileno(out)) continue;
        char path[64], target[256];
        std::snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        ssize_t size = readlink(path, target, sizeof target - 1);
        target[size < 0 ? 0 : size] = '\0';
        std::fprintf(out, "fd%d %s\n", fd, target);
    }
    closedir(all);
}

/// Signals and capabilities, as the kernel sees them.
void report_status(FILE* out) {
    FILE* status = std::fopen("/proc/self/status", "re");
    char line[256];
    while (std::fgets(line, sizeof line, status)) {
        if (std::strncmp(line, "SigBlk:", 7) == 0) std::fprintf(out, "blocked %s", line + 8);
        if (std::strncmp(line, "SigIgn:", 7) == 0) std::fprintf(out, "ignored %s", line + 8);
        if (std::strncmp(line, "ShdPnd:", 7) == 0) std::fprintf(out, "pending %s", line + 8);
        if (std::strncmp(line, "Cap", 3) == 0) std::fprintf(out, "%.6s %s", line, line + 8);
    }
    std::fclose(status);
}

void report_identity(FILE* out) {
    uid_t user[3];
    gid_t group[3], groups[64];
    getresuid(&user[0], &user[1], &user[2]);
    getresgid(&group[0], &group[1], &group[2]);
    std::fprintf(out, "users %u %u %u\n", user[0], user[1], user[2]);
    std::fprintf(out, "groups %u %u %u\n", group[0], group[1], group[2]);
    std::fprintf(out, "supplementary");
    int count = getgroups(64, groups);
    for (int i = 0; i < count; ++i)
        std::fprintf(out, " %u", groups[i]);
    std::fprintf(out, "\n");
}

} // namespace

int main(int argc, char** argv) {
    FILE* out = std::fopen(argv[1], "we");
    if (!out) return 1;
    char directory[4096];
    rlimit files{};
    getrlimit(RLIMIT_NOFILE, &files);
    int death_signal = 0;
    prctl(PR_GET_PDEATHSIG, &death_signal);
    std::fprintf(out, "pid %d\n", getpid());
    std::fprintf(out, "process-group %d\n", getpgrp());
    std::fprintf(out, "session %d\n", getsid(0));
    report_identity(out);
    std::fprintf(out, "nice %d\n", getpriority(PRIO_PROCESS, 0));
    std::fprintf(out, "directory %s\n", getcwd(directory, sizeof directory));
    std::fprintf(out, "files %llu\n", static_cast<unsigned long long>(files.rlim_cur));
    std::fprintf(out, "death-signal %d\n", death_signal);
    report_descriptors(out);
    report_status(out);
    for (int i = 0; i < argc; ++i)
        std::fprintf(out, "argument%d %s\n", i, argv[i]);
    for (char** one = environ; *one; ++one)
        std::fprintf(out, "environment %s\n", *one);
    return std::fclose(out) == 0 ? 0 : 1;
}
