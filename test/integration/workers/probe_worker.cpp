// SPDX-License-Identifier: GPL-3.0-or-later
//
// A worker that tells what it was given, for the tests: DIR/PID.json holds its environment,
// descriptors, ids, signal mask and so on; DIR/PID.signals gets the name of every signal it
// receives. It acks, lives and dies as the options say.

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <string>
#include <string_view>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

extern char** environ;

namespace {

struct options {
    std::string dir;           ///< where the reports go; empty: none
    std::string ack = "none";  ///< manual, fd, notify or none
    std::string ack_line;      ///< replaces the line of a manual ack; PID in it is filled in
    bool ack_by_child = false; ///< a child process sends the ack
    double ack_delay = 0;      ///< seconds
    int exit_before_ack = -1;  ///< exit with this code instead of acking
    int kill_before_ack = 0;   ///< end by this signal instead of acking
    double exit_after = -1;    ///< seconds after the ack
    int exit_code = 0;         ///< of --exit-after and of the signals that end it
    std::vector<std::string> fail_while; ///< exit 1 before the ack while the file exists
    std::string once;                    ///< exit 1 before the ack unless the file exists; make it
    std::vector<int> ignored;            ///< noted, but survived
    double output_every = 0; ///< seconds; write a line to standard output, exit 9 if that fails
    bool orphan = false;     ///< leave a grandchild that exits at once when its parent has gone
};

// ---- JSON by hand: bytes above 127 and control characters are written as \u00XX (latin-1) ----

std::string quoted(std::string_view text) {
    std::string result = "\"";
    for (const unsigned char c : text) {
        char escaped[8];
        if (c == '"' || c == '\\')
            (result += '\\') += char(c);
        else if (c >= 32 && c < 127)
            result += char(c);
        else {
            std::snprintf(escaped, sizeof escaped, "\\u%04x", c);
            result += escaped;
        }
    }
    return result + '"';
}

std::string list_of(char** words) {
    std::string result;
    for (; *words; ++words)
        result += (result.empty() ? "" : ",") + quoted(*words);
    return "[" + result + "]";
}

std::string field(const char* key, const std::string& json) {
    return quoted(key) + ":" + json + ",";
}
std::string field(const char* key, long number) { return field(key, std::to_string(number)); }

// ---- What it was given ----

std::string link_target(const std::string& path) {
    char target[4096];
    const ssize_t size = readlink(path.c_str(), target, sizeof target);
    return size < 0 ? "" : std::string(target, std::size_t(size));
}

int socket_option(int fd, int level, int name) {
    int value = -1;
    socklen_t size = sizeof value;
    return getsockopt(fd, level, name, &value, &size) < 0 ? -1 : value;
}

std::string socket_address(int fd) {
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    if (getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &size) < 0) return "";
    char text[INET6_ADDRSTRLEN] = "";
    if (storage.ss_family == AF_INET) {
        const auto& v4 = reinterpret_cast<const sockaddr_in&>(storage);
        inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
        return std::string(text) + ":" + std::to_string(ntohs(v4.sin_port));
    }
    if (storage.ss_family == AF_INET6) {
        const auto& v6 = reinterpret_cast<const sockaddr_in6&>(storage);
        inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
        return "[" + std::string(text) + "]:" + std::to_string(ntohs(v6.sin6_port));
    }
    const auto& local = reinterpret_cast<const sockaddr_un&>(storage);
    const std::size_t length = size - offsetof(sockaddr_un, sun_path);
    if (length == 0) return "";
    if (local.sun_path[0] == '\0') return "@" + std::string(local.sun_path + 1, length - 1);
    return local.sun_path;
}

/// The backlog of a listening TCP socket, which the kernel shows where others have their sacked
/// segments.
long backlog_of(int fd) {
    tcp_info info{};
    socklen_t size = sizeof info;
    return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0 ? -1 : long(info.tcpi_sacked);
}

std::string describe_fd(int fd, const std::string& target) {
    std::string result = "{" + field("fd", fd) + field("target", quoted(target)) +
                         field("cloexec", fcntl(fd, F_GETFD) & FD_CLOEXEC) +
                         field("nonblock", (fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
    if (target.rfind("socket:", 0) == 0)
        result += field("family", socket_option(fd, SOL_SOCKET, SO_DOMAIN)) +
                  field("type", socket_option(fd, SOL_SOCKET, SO_TYPE)) +
                  field("listening", socket_option(fd, SOL_SOCKET, SO_ACCEPTCONN)) +
                  field("reuseaddr", socket_option(fd, SOL_SOCKET, SO_REUSEADDR)) +
                  field("reuseport", socket_option(fd, SOL_SOCKET, SO_REUSEPORT)) +
                  field("v6only", socket_option(fd, IPPROTO_IPV6, IPV6_V6ONLY)) +
                  field("backlog", backlog_of(fd)) + field("address", quoted(socket_address(fd)));
    result.back() = '}';
    return result;
}

std::string open_descriptors() {
    std::string result;
    DIR* directory = opendir("/proc/self/fd");
    while (const dirent* entry = readdir(directory)) {
        const int fd = std::atoi(entry->d_name);
        if (entry->d_name[0] == '.' || fd == dirfd(directory)) continue;
        const auto target = link_target("/proc/self/fd/" + std::string(entry->d_name));
        result += (result.empty() ? "" : ",") + describe_fd(fd, target);
    }
    closedir(directory);
    return "[" + result + "]";
}

/// A line of /proc/self/status, without its key.
std::string status_line(const char* key) {
    FILE* file = std::fopen("/proc/self/status", "re");
    char line[1024];
    std::string result;
    while (std::fgets(line, sizeof line, file))
        if (std::strncmp(line, key, std::strlen(key)) == 0) result = line + std::strlen(key);
    std::fclose(file);
    const auto begin = result.find_first_not_of(": \t");
    const auto end = result.find_last_not_of(" \t\n");
    return begin == std::string::npos ? "" : result.substr(begin, end - begin + 1);
}

std::string describe_process(char** arguments) {
    char directory[4096] = "";
    if (!getcwd(directory, sizeof directory)) directory[0] = '\0';
    rlimit files{};
    getrlimit(RLIMIT_NOFILE, &files);
    int death_signal = 0;
    prctl(PR_GET_PDEATHSIG, &death_signal);
    std::string result =
        "{" + field("argv", list_of(arguments)) + field("env", list_of(environ)) +
        field("fds", open_descriptors()) + field("cwd", quoted(directory)) +
        field("pid", getpid()) + field("ppid", getppid()) + field("pgid", getpgrp()) +
        field("sid", getsid(0)) + field("nice", getpriority(PRIO_PROCESS, 0)) +
        field("uid", long(geteuid())) + field("gid", long(getegid())) +
        field("groups", quoted(status_line("Groups"))) +
        field("blocked", quoted(status_line("SigBlk"))) +
        field("ignored", quoted(status_line("SigIgn"))) +
        field("pending", quoted(status_line("ShdPnd"))) +
        field("umask", quoted(status_line("Umask"))) + field("pdeathsig", death_signal) +
        field("nofile", long(files.rlim_cur)) + field("exe", quoted(link_target("/proc/self/exe")));
    result.back() = '}';
    return result;
}

/// The report appears at once or not at all, so that a test that sees it can read it.
void write_report(const std::string& dir, const std::string& text) {
    const std::string path = dir + "/" + std::to_string(getpid()) + ".json";
    FILE* file = std::fopen((path + ".part").c_str(), "we");
    if (!file || std::fwrite(text.data(), 1, text.size(), file) != text.size()) std::_Exit(8);
    std::fclose(file);
    std::rename((path + ".part").c_str(), path.c_str());
}

void note_signal(const options& wanted, int number) {
    if (wanted.dir.empty()) return;
    const std::string path = wanted.dir + "/" + std::to_string(getpid()) + ".signals";
    const char* name = sigabbrev_np(number);
    const std::string line = (name ? name : std::to_string(number)) + std::string("\n");
    const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (fd < 0 || write(fd, line.data(), line.size()) < 0) std::_Exit(8);
    close(fd);
}

// ---- The ack ----

int connected(int type, std::string path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::size_t size = std::min(path.size(), sizeof address.sun_path - 1);
    std::memcpy(address.sun_path, path.data(), size);
    const bool abstract = path[0] == '@';
    if (abstract) address.sun_path[0] = '\0';
    const int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    const auto length = socklen_t(offsetof(sockaddr_un, sun_path) + size + (abstract ? 0 : 1));
    if (connect(fd, reinterpret_cast<sockaddr*>(&address), length) < 0) std::_Exit(7);
    return fd;
}

std::string variable(const char* name) {
    const char* value = std::getenv(name);
    return value ? value : "";
}

/// The answer of the master is kept in DIR/PID.answer.
void send_line(const options& wanted, int fd, const std::string& line) {
    if (write(fd, line.data(), line.size()) != ssize_t(line.size())) std::_Exit(7);
    char answer[4096];
    const ssize_t size = read(fd, answer, sizeof answer);
    if (wanted.dir.empty() || size < 0) return;
    FILE* file =
        std::fopen((wanted.dir + "/" + std::to_string(getpid()) + ".answer").c_str(), "we");
    std::fwrite(answer, 1, std::size_t(size), file);
    std::fclose(file);
}

void acknowledge(const options& wanted, pid_t pid) {
    std::string line =
        wanted.ack_line.empty() ? R"({"command":"worker:ack", "pid":PID})" : wanted.ack_line;
    if (const auto at = line.find("PID"); at != std::string::npos)
        line.replace(at, 3, std::to_string(pid));
    line += "\n";
    if (wanted.ack == "manual")
        send_line(wanted, connected(SOCK_STREAM, variable("EINHORN_SOCK_PATH")), line);
    if (wanted.ack == "fd") send_line(wanted, std::atoi(variable("EINHORN_SOCK_FD").c_str()), line);
    if (wanted.ack == "notify" &&
        write(connected(SOCK_DGRAM, variable("NOTIFY_SOCKET")), "READY=1\nSTATUS=up\n", 18) != 18)
        std::_Exit(7);
}

void acknowledge_somehow(const options& wanted) {
    const pid_t self = getpid();
    if (!wanted.ack_by_child) return acknowledge(wanted, self);
    const pid_t child = fork();
    if (child == 0) {
        acknowledge(wanted, self);
        std::_Exit(0);
    }
    waitpid(child, nullptr, 0);
}

// ---- Life and death ----

void pause_for(double time) {
    if (time > 0) usleep(useconds_t(time * 1e6));
}

void end_by_signal(int number) {
    std::signal(number, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    kill(getpid(), number);
    pause();
}

/// The orphan ends when process 1 has adopted it, and DIR/orphan says so.
void leave_orphan(const options& wanted) {
    if (fork() != 0) return;
    if (fork() != 0) std::_Exit(0);
    while (getppid() != 1)
        usleep(1000);
    close(open((wanted.dir + "/orphan").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    std::_Exit(0);
}

/// Dies before the ack if it is to.
void maybe_fail(const options& wanted) {
    if (wanted.exit_before_ack >= 0) std::_Exit(wanted.exit_before_ack);
    if (wanted.kill_before_ack) end_by_signal(wanted.kill_before_ack);
    for (const auto& path : wanted.fail_while)
        if (access(path.c_str(), F_OK) == 0) std::_Exit(1);
    if (wanted.once.empty() || access(wanted.once.c_str(), F_OK) == 0) return;
    close(open(wanted.once.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    std::_Exit(1);
}

/// Takes signals until one that ends it comes, or its time is over.
int live(const options& wanted, const sigset_t& all) {
    for (;;) {
        const double turn = wanted.output_every > 0 ? wanted.output_every : wanted.exit_after;
        const timespec limit{time_t(turn), long((turn - double(time_t(turn))) * 1e9)};
        const int number = sigtimedwait(&all, nullptr, turn >= 0 && turn != 0 ? &limit : nullptr);
        if (number < 0 && errno == EINTR) continue;
        if (number < 0 && wanted.output_every > 0) {
            if (write(1, "line\n", 5) != 5) return 9;
            continue;
        }
        if (number < 0) return wanted.exit_code;
        note_signal(wanted, number);
        const bool survives =
            std::find(wanted.ignored.begin(), wanted.ignored.end(), number) != wanted.ignored.end();
        const bool ends =
            number == SIGTERM || number == SIGUSR2 || number == SIGQUIT || number == SIGINT;
        if (ends && !survives) return wanted.exit_code;
    }
}

// ---- The command line ----

int signal_of(const char* name) {
    for (int number = 1; number < 32; ++number)
        if (const char* known = sigabbrev_np(number); known && std::strcmp(known, name) == 0)
            return number;
    return std::atoi(name);
}

options parse(int argc, char** argv) {
    options wanted;
    const option known[] = {{"dir", 1, nullptr, 'd'},
                            {"ack", 1, nullptr, 'a'},
                            {"ack-line", 1, nullptr, 'l'},
                            {"ack-by-child", 0, nullptr, 'f'},
                            {"ack-delay", 1, nullptr, 'D'},
                            {"exit-before-ack", 1, nullptr, 'e'},
                            {"kill-before-ack", 1, nullptr, 'k'},
                            {"exit-after", 1, nullptr, 'x'},
                            {"exit-code", 1, nullptr, 'c'},
                            {"fail-while", 1, nullptr, 'w'},
                            {"fail-once", 1, nullptr, 'o'},
                            {"ignore", 1, nullptr, 'i'},
                            {"output-every", 1, nullptr, 'p'},
                            {"orphan", 0, nullptr, 'r'},
                            {nullptr, 0, nullptr, 0}};
    for (int which; (which = getopt_long(argc, argv, "", known, nullptr)) != -1;) {
        switch (which) {
        case 'd': wanted.dir = optarg; break;
        case 'a': wanted.ack = optarg; break;
        case 'l': wanted.ack_line = optarg; break;
        case 'f': wanted.ack_by_child = true; break;
        case 'D': wanted.ack_delay = std::atof(optarg); break;
        case 'e': wanted.exit_before_ack = std::atoi(optarg); break;
        case 'k': wanted.kill_before_ack = signal_of(optarg); break;
        case 'x': wanted.exit_after = std::atof(optarg); break;
        case 'c': wanted.exit_code = std::atoi(optarg); break;
        case 'w': wanted.fail_while.push_back(optarg); break;
        case 'o': wanted.once = optarg; break;
        case 'i': wanted.ignored.push_back(signal_of(optarg)); break;
        case 'p': wanted.output_every = std::atof(optarg); break;
        case 'r': wanted.orphan = true; break;
        default: std::_Exit(6);
        }
    }
    return wanted;
}

} // namespace

int main(int argc, char** argv) {
    // Before the mask is touched, because the mask is part of it.
    const std::string description = describe_process(argv);

    sigset_t all;
    sigfillset(&all);
    sigdelset(&all, SIGCHLD);
    sigprocmask(SIG_BLOCK, &all, nullptr);

    // Whoever sees the report may send signals: none is lost from now on.
    const options wanted = parse(argc, argv);
    if (!wanted.dir.empty()) write_report(wanted.dir, description);
    maybe_fail(wanted);
    if (wanted.orphan) leave_orphan(wanted);
    pause_for(wanted.ack_delay);
    acknowledge_somehow(wanted);
    return live(wanted, all);
}
