// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/syslog_client.hpp"

#include "os/unique_fd.hpp"
#include "support.hpp"

#include <boost/test/unit_test.hpp>

#include <cstring>
#include <regex>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

using namespace einhyrningsins::os;
using namespace os_test;

namespace {

/// A daemon that reads when it is told to.
struct fixture {
    scratch directory;
    std::string path = directory / "log";
    unique_fd daemon;

    void listen() {
        ::unlink(path.c_str());
        daemon.reset(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
        auto* raw = reinterpret_cast<const sockaddr*>(&address);
        BOOST_REQUIRE(::bind(daemon.get(), raw, sizeof address) == 0);
    }
    /// The next message; empty: there is none.
    std::string read() {
        char text[1000];
        ssize_t size = ::recv(daemon.get(), text, sizeof text, 0);
        return {text, size > 0 ? static_cast<std::size_t>(size) : 0};
    }
    std::size_t read_all() {
        std::size_t count = 0;
        while (!read().empty())
            ++count;
        return count;
    }
    /// "28 ident: text", without the time and the pid, if the form is right.
    std::string read_parts() {
        std::regex form(
            "<(\\d+)>[A-Z][a-z]{2} [ 123]\\d \\d\\d:\\d\\d:\\d\\d (\\w+)\\[(\\d+)\\]: (.*)");
        std::smatch parts;
        std::string text = read();
        if (!std::regex_match(text, parts, form) || parts[3] != std::to_string(::getpid()))
            return "wrong form: " + text;
        return parts[1].str() + " " + parts[2].str() + ": " + parts[4].str();
    }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(syslog_daemon, fixture)

BOOST_AUTO_TEST_CASE(it_gets_messages) {
    listen();
    syslog_client log("ident", path);
    log.send(syslog_client::level::warning, "a warning");
    log.send(syslog_client::level::error, "an error");
    BOOST_TEST(read_parts() == "28 ident: a warning");
    BOOST_TEST(read_parts() == "27 ident: an error");
    BOOST_TEST(read() == "");
}

BOOST_AUTO_TEST_CASE(one_that_does_not_read_is_not_waited_for) {
    listen();
    syslog_client log("ident", path);
    constexpr std::size_t sent = 10'000; // far more than its queue holds
    for (std::size_t n = 0; n < sent; ++n)
        log.send(syslog_client::level::warning, "text");
    std::size_t came = read_all();
    BOOST_TEST(came > 0U);
    BOOST_TEST(came < sent);
    log.send(syslog_client::level::error, "again");
    BOOST_TEST(read_parts() == "28 ident: messages lost because syslog did not accept them: " +
                                   std::to_string(sent - came));
    BOOST_TEST(read_parts() == "27 ident: again");
}

BOOST_AUTO_TEST_CASE(one_that_is_started_later_or_anew_is_found) {
    syslog_client log("ident", path);
    log.send(syslog_client::level::error, "nobody hears this");
    for (int start = 0; start < 2; ++start) {
        listen();
        log.send(syslog_client::level::error, "heard");
        if (start == 0) BOOST_TEST(read_parts().ends_with("not accept them: 1"));
        BOOST_TEST(read_parts() == "27 ident: heard");
    }
}

BOOST_AUTO_TEST_SUITE_END()
