// SPDX-License-Identifier: GPL-3.0-or-later
//
// The bundled example: a small HTTP server that einhyrningsins runs and upgrades without losing a
// connection. What a worker has to do for that is little, and it is all in main():
//
//   1. take the listening sockets from the environment instead of binding its own;
//   2. say when it is ready ("ack"), after which an older worker is told to go;
//   3. on SIGUSR2 stop accepting, answer what it has accepted, and exit.
//
// Connections that nobody has accepted yet wait in the socket, which the master and the other
// workers hold as well: they are not lost when this worker closes its copy.

#include <arpa/inet.h>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <getopt.h>
#include <list>
#include <poll.h>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <vector>

namespace {

using clock_type = std::chrono::steady_clock;
using seconds = std::chrono::duration<double>;

struct options {
    std::string ack = "manual"; ///< manual, notify or none
    std::string body = "hello\n";
    std::string touch; ///< a file that is made when the server is about to serve
    seconds delay_ack{0};
    seconds slow{0};           ///< how long a reply takes
    seconds crash_after{0};    ///< abort this long after the start; 0: never
    int crash_before_ack = -1; ///< exit with this code instead of acking; -1: no
    bool ignore_usr2 = false;
};

/// One client, from accept to close: first its request comes in, then the reply goes out.
struct connection {
    int fd;
    std::string in, out;
    bool keep_alive = false;
    clock_type::time_point reply_at{};

    bool answered() const { return !out.empty(); }
};

volatile std::sig_atomic_t draining = 0;

[[noreturn]] void fail(const char* what) {
    std::fprintf(stderr, "http_worker: %s: %s\n", what, std::strerror(errno));
    std::exit(1);
}

std::string environment(const std::string& name) {
    const char* value = std::getenv(name.c_str());
    return value ? value : "";
}

// ---- 1. The sockets ----

/// systemd's protocol: LISTEN_FDS descriptors from 3 up, if LISTEN_PID is us; else einhorn's, where
/// each descriptor is named.
std::vector<int> inherited_sockets() {
    std::vector<int> sockets;
    if (environment("LISTEN_PID") == std::to_string(getpid())) {
        const int count = std::atoi(environment("LISTEN_FDS").c_str());
        for (int fd = 3; fd < 3 + count; ++fd)
            sockets.push_back(fd);
        return sockets;
    }
    const int count = std::atoi(environment("EINHORN_FD_COUNT").c_str());
    for (int n = 0; n < count; ++n)
        sockets.push_back(std::atoi(environment("EINHORN_FD_" + std::to_string(n)).c_str()));
    return sockets;
}

/// Several workers wait for the same connection, and only one gets it: accept must not block the
/// others.
void make_non_blocking(int fd) {
    if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0) fail("a listening socket");
}

// ---- 2. The ack ----

/// Sends `text` to the unix socket at `path` ('@' begins an abstract name) and waits for an answer,
/// if it is a stream.
void tell(int type, const std::string& path, const std::string& text) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        fail("the address to ack at");
    }
    std::memcpy(address.sun_path, path.data(), path.size());
    const bool abstract = path[0] == '@';
    if (abstract) address.sun_path[0] = '\0';
    const auto length = offsetof(sockaddr_un, sun_path) + path.size() + (abstract ? 0 : 1);

    const int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, reinterpret_cast<sockaddr*>(&address), socklen_t(length)) < 0)
        fail(path.c_str());
    if (write(fd, text.data(), text.size()) != ssize_t(text.size())) fail(path.c_str());
    char answer[256];
    // einhorn answers nothing and closes the connection.
    if (type == SOCK_STREAM && read(fd, answer, sizeof answer) < 0) fail("no answer to the ack");
    close(fd);
}

void acknowledge(const std::string& mode) {
    if (mode == "manual")
        tell(SOCK_STREAM, environment("EINHORN_SOCK_PATH"),
             "{\"command\":\"worker:ack\", \"pid\":" + std::to_string(getpid()) + "}\n");
    if (mode == "notify") tell(SOCK_DGRAM, environment("NOTIFY_SOCKET"), "READY=1\n");
}

// ---- 3. Serving ----

std::string reply_to(const connection& client, const options& wanted) {
    return "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
           "Content-Length: " +
           std::to_string(wanted.body.size()) +
           "\r\n"
           "X-Worker-Pid: " +
           std::to_string(getpid()) +
           "\r\n"
           "X-Worker-Index: " +
           environment("EINHORN_CHILD_INDEX") +
           "\r\n"
           "X-Worker-Generation: " +
           environment("SERVER_STARTER_GENERATION") +
           "\r\n"
           "Connection: " +
           (client.keep_alive ? "keep-alive" : "close") + "\r\n\r\n" + wanted.body;
}

/// Reads what there is. False: the client has gone.
bool read_request(connection& client, const options& wanted) {
    char buffer[4096];
    const ssize_t size = read(client.fd, buffer, sizeof buffer);
    if (size < 0) return errno == EAGAIN || errno == EINTR;
    if (size == 0) return false;
    client.in.append(buffer, std::size_t(size));
    if (client.in.size() > 65536) return false;
    if (client.in.find("\r\n\r\n") == std::string::npos) return true;

    client.keep_alive = !draining && strcasestr(client.in.c_str(), "\nConnection: keep-alive");
    client.out = reply_to(client, wanted);
    client.reply_at =
        clock_type::now() + std::chrono::duration_cast<clock_type::duration>(wanted.slow);
    return true;
}

/// Writes what fits. False: the connection is over.
bool write_reply(connection& client) {
    const ssize_t size = send(client.fd, client.out.data(), client.out.size(), MSG_NOSIGNAL);
    if (size < 0) return errno == EAGAIN || errno == EINTR;
    client.out.erase(0, std::size_t(size));
    if (client.answered()) return true;
    client.in.clear();
    return client.keep_alive && !draining;
}

bool advance(connection& client, const options& wanted) {
    if (!client.answered() && !read_request(client, wanted)) return false;
    if (client.answered() && client.reply_at <= clock_type::now()) return write_reply(client);
    return true;
}

class server {
  public:
    server(std::vector<int> listeners, const options& wanted)
        : listeners_(std::move(listeners)),
          options_(wanted) {}

    /// Serves until it is told to drain and the last accepted client has been answered.
    /// `while_waiting`: the signals that may come in only while the server waits, so that none is
    /// missed between look and wait.
    void run(const sigset_t& while_waiting) {
        const auto crash_at = clock_type::now() + options_.crash_after;
        while (!draining || !clients_.empty()) {
            wait(while_waiting);
            if (options_.crash_after > seconds(0) && clock_type::now() >= crash_at) std::abort();
            if (draining)
                forget_idle_clients();
            else
                accept_clients();
            serve_clients();
        }
    }

  private:
    void wait(const sigset_t& while_waiting) {
        std::vector<pollfd> fds;
        if (!draining)
            for (const int fd : listeners_)
                fds.push_back({fd, POLLIN, 0});
        bool something_is_due = options_.crash_after > seconds(0);
        for (const auto& client : clients_) {
            const bool later = client.answered() && client.reply_at > clock_type::now();
            something_is_due |= later;
            if (!later) fds.push_back({client.fd, short(client.answered() ? POLLOUT : POLLIN), 0});
        }
        const timespec tick{0, 1'000'000};
        if (ppoll(fds.data(), fds.size(), something_is_due ? &tick : nullptr, &while_waiting) < 0 &&
            errno != EINTR)
            fail("ppoll");
    }

    /// One connection of each socket at a time, so that the workers share them fairly.
    void accept_clients() {
        for (const int listener : listeners_) {
            const int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (fd >= 0) clients_.push_back({fd, {}, {}});
        }
    }

    void serve_clients() {
        clients_.remove_if([this](connection& client) {
            const bool over = !advance(client, options_);
            if (over) close(client.fd);
            return over;
        });
    }

    /// A client that has had a reply and asks for nothing more need not be waited for; one that has
    /// just connected gets its answer.
    void forget_idle_clients() {
        clients_.remove_if([](connection& client) {
            const bool idle = client.keep_alive && !client.answered() && client.in.empty();
            if (idle) close(client.fd);
            return idle;
        });
    }

    std::vector<int> listeners_;
    options options_;
    std::list<connection> clients_;
};

// ---- The command line ----

[[noreturn]] void usage() {
    std::fputs(
        "usage: http_worker [--ack manual|notify|none] [--body TEXT] [--slow SECONDS] [--touch "
        "FILE]\n"
        "                   [--delay-ack SECONDS] [--crash-before-ack CODE] [--crash-after "
        "SECONDS]\n"
        "                   [--ignore-usr2]\n"
        "to be run by einhyrningsins: einhyrningsins -m -n 4 -b 127.0.0.1:8080 http_worker\n",
        stderr);
    std::exit(2);
}

options parse(int argc, char** argv) {
    options wanted;
    const option known[] = {{"ack", 1, nullptr, 'a'},         {"body", 1, nullptr, 'b'},
                            {"slow", 1, nullptr, 's'},        {"touch", 1, nullptr, 't'},
                            {"delay-ack", 1, nullptr, 'd'},   {"crash-before-ack", 1, nullptr, 'c'},
                            {"crash-after", 1, nullptr, 'C'}, {"ignore-usr2", 0, nullptr, 'i'},
                            {nullptr, 0, nullptr, 0}};
    for (int which; (which = getopt_long(argc, argv, "", known, nullptr)) != -1;) {
        switch (which) {
        case 'a': wanted.ack = optarg; break;
        case 'b': wanted.body = optarg; break;
        case 's': wanted.slow = seconds(std::atof(optarg)); break;
        case 't': wanted.touch = optarg; break;
        case 'd': wanted.delay_ack = seconds(std::atof(optarg)); break;
        case 'c': wanted.crash_before_ack = std::atoi(optarg); break;
        case 'C': wanted.crash_after = seconds(std::atof(optarg)); break;
        case 'i': wanted.ignore_usr2 = true; break;
        default: usage();
        }
    }
    if (optind != argc) usage();
    if (wanted.ack != "manual" && wanted.ack != "notify" && wanted.ack != "none") usage();
    return wanted;
}

/// SIGUSR2 is let in only while the server waits. SIGTERM keeps its default: it ends the worker at
/// once.
sigset_t catch_usr2(bool ignored) {
    sigset_t usr2, before;
    sigemptyset(&usr2);
    sigaddset(&usr2, SIGUSR2);
    sigprocmask(SIG_BLOCK, &usr2, &before);
    struct sigaction action {};
    action.sa_handler = [](int) { draining = 1; };
    if (ignored) action.sa_handler = SIG_IGN;
    sigaction(SIGUSR2, &action, nullptr);
    return before;
}

} // namespace

int main(int argc, char** argv) {
    const options wanted = parse(argc, argv);
    const sigset_t while_waiting = catch_usr2(wanted.ignore_usr2);

    const std::vector<int> listeners = inherited_sockets();
    for (const int fd : listeners)
        make_non_blocking(fd);

    if (wanted.crash_before_ack >= 0) return wanted.crash_before_ack;
    if (wanted.delay_ack > seconds(0)) usleep(useconds_t(wanted.delay_ack.count() * 1e6));
    if (!wanted.touch.empty())
        close(open(wanted.touch.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    acknowledge(wanted.ack);

    server(listeners, wanted).run(while_waiting);
    return 0;
}
