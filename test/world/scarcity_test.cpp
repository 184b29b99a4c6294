// SPDX-License-Identifier: GPL-3.0-or-later
//
// Few descriptors are left. Nobody is judged by what the master could not hear (SPEC 7.7), and
// everybody is heard in the end.
#include "world/world.hpp"

#include <boost/test/unit_test.hpp>

#include <csignal>
#include <list>

namespace einhyrningsins::world {
namespace {

using namespace std::chrono_literals;

constexpr instant ack_timeout = 4s;

struct scarce_world {
    world in;
    std::list<client> crowd;

    /// `limit`: of descriptors; workers are of another user and ack by a connection.
    explicit scarce_world(rlim_t limit) {
        in.user = 0;
        in.master->descriptor_limit = {limit, limit};
        in.plan = [](const process&) {
            return worker_plan{.ack = worker_plan::ack_kind::by_socket, .hesitates = 200ms};
        };
        in.is_expected = [](const std::string& path) { return path.ends_with(".log"); };
    }

    void run(unsigned workers, story told) {
        in.system.files().make("/srv/groups.toml", S_IFREG | 0644, 0,
                               "[web]\ncmd = [\"/srv/server\"]\nack = \"manual\"\nuid = \"www\"\n"
                               "ack_timeout = 4\nstart_immediate = true\nrestart = \"always\"\n"
                               "stdout_log = \"size:500:1:/srv/web.log\"\nnumprocesses = " +
                                   std::to_string(workers) + "\n");
        in.run({"--config", "/srv/groups.toml"}, std::move(told));
        for (const char* sign : {"not acked", "too many", "SIGKILL"})
            in.expect(in.logged(sign) == 0, std::string("nobody is ") + sign);
        BOOST_TEST(in.violations().empty(), in.log());
        for (const std::string& each : in.violations())
            BOOST_ERROR(each);
    }

    /// Connections of one process that says nothing.
    void come(const process_ptr& who, unsigned count) {
        for (; count > 0; --count)
            crowd.emplace_back(in.system, who).connect("/tmp/einhorn.sock");
    }
    /// The same, of operators.
    void come(unsigned count) {
        auto who = in.system.create(nullptr);
        come(who, count);
    }
    std::size_t ready() const { return in.logged("is ready"); }
    void end() { in.system.kill(in.master, SIGTERM); }
};

story many_workers(scarce_world& at) {
    co_await at.in.until("acks", [&] { return at.ready() == 24; });
    client& asks = at.in.connect();
    int status = asks.request("status");
    co_await at.in.until("status", [&] { return !asks.answer_to(status).empty(); });
    at.in.expect(asks.answer_to(status).find("clients have to wait") != std::string::npos,
                 "status says so");
    co_await at.in.pause(15s);
    at.in.expect(at.in.logged("clients have to wait") == 1, "it is logged once");
    at.in.expect(at.in.logged("no client has to wait any more") == 1, "its end is logged");
    int again = asks.request("status");
    co_await at.in.until("status", [&] { return !asks.answer_to(again).empty(); });
    at.in.expect(asks.answer_to(again).find("have to wait") == std::string::npos,
                 "status says that it is over");
    at.end();
}

story silent_clients(scarce_world& at) {
    co_await at.in.until("acks", [&] { return at.ready() == 2; });
    at.come(100);
    co_await at.in.pause(1s);
    at.in.system.kill(at.in.workers()[0], SIGUSR2);
    co_await at.in.until("an ack", [&] { return at.ready() == 3; });
    client& asks = at.in.connect();
    int status = asks.request("status");
    co_await at.in.until("status", [&] { return !asks.answer_to(status).empty(); });
    at.end();
}

/// They keep the master's attention for longer than an ack may take.
story clients_that_talk(scarce_world& at) {
    co_await at.in.until("acks", [&] { return at.ready() == 2; });
    at.come(100);
    at.in.system.kill(at.in.workers()[0], SIGUSR2);
    for (instant end = at.in.system.now() + 3 * ack_timeout; at.in.system.now() < end;) {
        for (client& each : at.crowd)
            each.send("{\"command\":\"ehlo\"}\n");
        co_await at.in.pause(500ms);
    }
    at.in.expect(at.ready() == 2, "the ack has to wait");
    at.crowd.clear();
    co_await at.in.until("an ack", [&] { return at.ready() == 3; });
    at.end();
}

/// Their answer comes only if workers are heard.
story clients_that_wait(scarce_world& at) {
    co_await at.in.until("acks", [&] { return at.ready() == 2; });
    for (unsigned count = 0; count < 20; ++count)
        at.in.connect().request("upgrade");
    co_await at.in.until(
        "an upgrade", [&] { return at.in.logged("Upgrade done") > 0; }, 120s);
    co_await at.in.pause(60s);
    client& asks = at.in.connect();
    int status = asks.request("status");
    co_await at.in.until("status", [&] { return !asks.answer_to(status).empty(); });
    at.end();
}

/// Its connections do not keep an operator out, not even for a while.
story a_worker_that_hoards(scarce_world& at) {
    co_await at.in.until("acks", [&] { return at.ready() == 2; });
    at.come(at.in.workers()[0], 60);
    client& asks = at.in.connect();
    int status = asks.request("status");
    co_await at.in.until(
        "status", [&] { return !asks.answer_to(status).empty(); }, 500ms);
    at.end();
}

BOOST_AUTO_TEST_SUITE(scarcity)

BOOST_AUTO_TEST_CASE(acks_of_many_workers_are_heard) {
    scarce_world at(56);
    at.run(24, many_workers(at));
}

BOOST_AUTO_TEST_CASE(clients_that_are_silent_give_way) {
    scarce_world at(40);
    at.run(2, silent_clients(at));
}

BOOST_AUTO_TEST_CASE(an_ack_that_has_to_wait_is_not_late) {
    scarce_world at(40);
    at.run(2, clients_that_talk(at));
}

BOOST_AUTO_TEST_CASE(clients_that_wait_for_workers_give_way_in_the_end) {
    scarce_world at(40);
    at.run(2, clients_that_wait(at));
}

BOOST_AUTO_TEST_CASE(a_worker_has_one_connection) {
    scarce_world at(40);
    at.run(2, a_worker_that_hoards(at));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace einhyrningsins::world
