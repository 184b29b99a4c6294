// SPDX-License-Identifier: GPL-3.0-or-later
//
// A load generator for the tests: CLIENTS at once, a new connection for every request, and every
// request is accounted for. Bounded in requests and in time, loopback and unix sockets only. Prints
// one JSON object.

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <getopt.h>
#include <netinet/in.h>
#include <set>
#include <string>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <vector>

namespace {

using clock_type = std::chrono::steady_clock;
using time_point = clock_type::time_point;
using seconds = std::chrono::duration<double>;

struct target {
    sockaddr_storage address{};
    socklen_t size = 0;
};

struct options {
    std::size_t clients = 32;
    std::uint64_t requests = 100'000;
    seconds limit{60};      ///< of the whole run
    seconds timeout{10};    ///< of one request
    std::string until_file; ///< goes on past `requests` until the file exists
    std::vector<target> targets;
};

/// What can become of a request.
enum outcome { ok, refused, reset, closed_early, timed_out, wrong, local, outcomes };
const char* const outcome_names[] = {"ok",      "refused", "reset", "closed_early",
                                     "timeout", "wrong",   "local"};

struct client {
    int fd = -1;
    std::size_t number = 0;
    std::string reply;
    bool sent = false;
    time_point began{};
};

const std::string request = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

// ---- Replies ----

std::string header(const std::string& reply, const char* name) {
    const auto end = reply.find("\r\n\r\n");
    const std::string key = std::string("\r\n") + name + ": ";
    const auto at = reply.find(key);
    if (at == std::string::npos || at > end) return "";
    return reply.substr(at + key.size(), reply.find("\r\n", at + 2) - at - key.size());
}

/// The reply as it is when the server has closed the connection.
outcome judge(const std::string& reply) {
    const auto end = reply.find("\r\n\r\n");
    if (end == std::string::npos) return closed_early;
    if (reply.rfind("HTTP/1.", 0) != 0 || reply.substr(9, 3) != "200") return wrong;
    const std::string length = header(reply, "Content-Length");
    if (length.empty()) return ok;
    const auto body = reply.size() - end - 4;
    const auto promised = std::strtoull(length.c_str(), nullptr, 10);
    return body == promised ? ok : body < promised ? closed_early : wrong;
}

// ---- The run ----

class run {
  public:
    explicit run(const options& wanted)
        : options_(wanted),
          clients_(wanted.clients),
          epoll_(epoll_create1(EPOLL_CLOEXEC)),
          began_(clock_type::now()) {
        for (std::size_t n = 0; n < clients_.size(); ++n)
            clients_[n].number = n;
    }

    void perform() {
        for (auto& who : clients_)
            begin(who);
        while (active_ > 0 || !postponed_.empty()) {
            begin_postponed();
            take_events();
            if (clock_type::now() - looked_at_ > std::chrono::milliseconds(100)) look_around();
        }
    }

    void print() {
        const seconds elapsed = clock_type::now() - began_;
        std::printf("{");
        for (int n = 0; n < outcomes; ++n)
            std::printf("\"%s\": %llu, ", outcome_names[n],
                        static_cast<unsigned long long>(counts_[n]));
        std::uint64_t lost = 0;
        for (int n = refused; n < outcomes; ++n)
            lost += counts_[n];
        std::printf("\"requests\": %llu, \"lost\": %llu, \"seconds\": %.3f, \"per_second\": %.0f, ",
                    static_cast<unsigned long long>(lost + counts_[ok]),
                    static_cast<unsigned long long>(lost), elapsed.count(),
                    double(lost + counts_[ok]) / elapsed.count());
        print_latencies();
        std::printf("\"workers\": %zu, \"generations\": %zu, \"first_error\": \"%s\"}\n",
                    workers_.size(), generations_.size(), first_error_.c_str());
    }

  private:
    bool over() const {
        if (clock_type::now() - began_ > options_.limit) return true;
        return started_ >= options_.requests && (options_.until_file.empty() || until_file_seen_);
    }

    void begin(client& who) {
        if (over()) return;
        who.began = clock_type::now();
        ++started_;
        attempt(who);
    }

    void attempt(client& who) {
        const target& where = options_.targets[who.number % options_.targets.size()];
        who.reply.clear();
        who.sent = false;
        who.fd = socket(where.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        spread_sources(who, where);
        ++active_;
        if (connect(who.fd, reinterpret_cast<const sockaddr*>(&where.address), where.size) < 0 &&
            errno != EINPROGRESS) {
            // A full queue of a unix socket is no loss: connect would have waited.
            if (errno == EAGAIN) return postpone(who);
            return finish(who, failure_of(errno), std::strerror(errno));
        }
        epoll_event wanted{};
        wanted.events = EPOLLOUT;
        wanted.data.u64 = who.number;
        epoll_ctl(epoll_, EPOLL_CTL_ADD, who.fd, &wanted);
    }

    /// An address of its own for every client, so that the ports of one do not run out.
    void spread_sources(const client& who, const target& where) {
        if (where.address.ss_family != AF_INET) return;
        sockaddr_in source{};
        source.sin_family = AF_INET;
        source.sin_addr.s_addr = htonl(0x7f000002U + std::uint32_t(who.number % 250));
        const int yes = 1;
        setsockopt(who.fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes);
        bind(who.fd, reinterpret_cast<const sockaddr*>(&source), sizeof source);
    }

    void postpone(client& who) {
        close(who.fd);
        --active_;
        postponed_.push_back(who.number);
    }

    void begin_postponed() {
        std::vector<std::size_t> numbers;
        numbers.swap(postponed_);
        for (const auto number : numbers) {
            if (clock_type::now() - clients_[number].began > options_.timeout) {
                ++active_;
                clients_[number].fd = -1;
                finish(clients_[number], timed_out, "the queue is full");
            } else
                attempt(clients_[number]);
        }
    }

    void take_events() {
        epoll_event events[64];
        const int count = epoll_wait(epoll_, events, 64, postponed_.empty() ? 100 : 1);
        for (int n = 0; n < count; ++n)
            advance(clients_[events[n].data.u64]);
    }

    void advance(client& who) {
        if (!who.sent) return send_request(who);
        char buffer[16384];
        const ssize_t size = read(who.fd, buffer, sizeof buffer);
        if (size > 0)
            who.reply.append(buffer, std::size_t(size));
        else if (size == 0)
            finish(who, judge(who.reply), "the server closed the connection");
        else if (errno != EAGAIN && errno != EINTR)
            finish(who, failure_of(errno), std::strerror(errno));
    }

    void send_request(client& who) {
        const ssize_t size = send(who.fd, request.data(), request.size(), MSG_NOSIGNAL);
        if (size != ssize_t(request.size())) {
            if (errno != EAGAIN && errno != EINTR)
                finish(who, failure_of(errno), std::strerror(errno));
            return;
        }
        who.sent = true;
        epoll_event wanted{};
        wanted.events = EPOLLIN;
        wanted.data.u64 = who.number;
        epoll_ctl(epoll_, EPOLL_CTL_MOD, who.fd, &wanted);
    }

    static outcome failure_of(int number) {
        switch (number) {
        case ECONNREFUSED:
        case ENOENT: return refused;
        case ECONNRESET:
        case EPIPE: return reset;
        case ETIMEDOUT: return timed_out;
        default: return local;
        }
    }

    void finish(client& who, outcome what, const char* why) {
        if (who.fd >= 0) close(who.fd);
        who.fd = -1;
        --active_;
        ++counts_[what];
        if (what != ok && first_error_.empty())
            first_error_ = std::string(outcome_names[what]) + ": " + why;
        if (what == ok) {
            latencies_.push_back(float(seconds(clock_type::now() - who.began).count() * 1000));
            workers_.insert(header(who.reply, "X-Worker-Pid"));
            generations_.insert(header(who.reply, "X-Worker-Generation"));
        }
        // Not from here: the stack would grow with every refused connection.
        if (!over()) {
            who.began = clock_type::now();
            ++started_;
            postponed_.push_back(who.number);
        }
    }

    /// What needs no look at every event: timeouts, and the file that ends the run.
    void look_around() {
        looked_at_ = clock_type::now();
        if (!options_.until_file.empty())
            until_file_seen_ |= access(options_.until_file.c_str(), F_OK) == 0;
        for (auto& who : clients_)
            if (who.fd >= 0 && looked_at_ - who.began > options_.timeout)
                finish(who, timed_out, who.sent ? "no reply" : "no connection");
    }

    void print_latencies() {
        std::sort(latencies_.begin(), latencies_.end());
        const auto at = [this](double share) {
            if (latencies_.empty()) return 0.0;
            return double(latencies_[std::size_t(share * double(latencies_.size() - 1))]);
        };
        std::printf("\"p50_ms\": %.3f, \"p99_ms\": %.3f, \"max_ms\": %.3f, ", at(0.5), at(0.99),
                    at(1));
    }

    options options_;
    std::vector<client> clients_;
    int epoll_;
    time_point began_, looked_at_{};
    std::vector<std::size_t> postponed_;
    std::size_t active_ = 0;
    std::uint64_t started_ = 0;
    bool until_file_seen_ = false;
    std::uint64_t counts_[outcomes] = {};
    std::vector<float> latencies_;
    std::set<std::string> workers_, generations_; ///< that have served
    std::string first_error_;
};

// ---- The command line ----

[[noreturn]] void usage() {
    std::fputs(
        "usage: load [--clients N] [--requests N] [--seconds S] [--timeout S] [--until-file FILE]\n"
        "            127.0.0.1:PORT|[::1]:PORT|/PATH|@NAME...\n",
        stderr);
    std::exit(2);
}

target unix_target(const std::string& text) {
    target result;
    auto& address = reinterpret_cast<sockaddr_un&>(result.address);
    if (text.size() >= sizeof address.sun_path) usage();
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, text.data(), text.size());
    const bool abstract = text[0] == '@';
    if (abstract) address.sun_path[0] = '\0';
    result.size = socklen_t(offsetof(sockaddr_un, sun_path) + text.size() + (abstract ? 0 : 1));
    return result;
}

target parse_target(const std::string& text) {
    if (text[0] == '/' || text[0] == '@') return unix_target(text);
    const auto colon = text.rfind(':');
    if (colon == std::string::npos) usage();
    const auto port = htons(std::uint16_t(std::atoi(text.c_str() + colon + 1)));
    target result;
    if (text[0] == '[') {
        auto& address = reinterpret_cast<sockaddr_in6&>(result.address);
        address.sin6_family = AF_INET6;
        address.sin6_port = port;
        address.sin6_addr = in6addr_loopback;
        result.size = sizeof address;
        return result;
    }
    auto& address = reinterpret_cast<sockaddr_in&>(result.address);
    address.sin_family = AF_INET;
    address.sin_port = port;
    if (inet_pton(AF_INET, text.substr(0, colon).c_str(), &address.sin_addr) != 1) usage();
    if ((ntohl(address.sin_addr.s_addr) >> 24) != 127) usage(); // this machine only
    result.size = sizeof address;
    return result;
}

options parse(int argc, char** argv) {
    options wanted;
    const option known[] = {{"clients", 1, nullptr, 'c'},    {"requests", 1, nullptr, 'r'},
                            {"seconds", 1, nullptr, 's'},    {"timeout", 1, nullptr, 't'},
                            {"until-file", 1, nullptr, 'u'}, {nullptr, 0, nullptr, 0}};
    for (int which; (which = getopt_long(argc, argv, "", known, nullptr)) != -1;) {
        switch (which) {
        case 'c': wanted.clients = std::size_t(std::clamp(std::atoi(optarg), 1, 1000)); break;
        case 'r': wanted.requests = std::strtoull(optarg, nullptr, 10); break;
        case 's': wanted.limit = seconds(std::min(std::atof(optarg), 600.0)); break;
        case 't': wanted.timeout = seconds(std::atof(optarg)); break;
        case 'u': wanted.until_file = optarg; break;
        default: usage();
        }
    }
    for (; optind < argc; ++optind)
        wanted.targets.push_back(parse_target(argv[optind]));
    if (wanted.targets.empty()) usage();
    return wanted;
}

} // namespace

int main(int argc, char** argv) {
    run all(parse(argc, argv));
    all.perform();
    all.print();
}
