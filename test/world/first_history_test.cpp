// SPDX-License-Identifier: GPL-3.0-or-later
#include "world/world.hpp"

#include <boost/test/unit_test.hpp>

#include <csignal>

namespace einhyrningsins::world {
namespace {

using namespace std::chrono_literals;

story live(world& in) {
    co_await in.until("four workers", [&] { return in.workers().size() == 4; });
    co_await in.until("acks", [&] { return in.logged("is ready") >= 4; });
    auto quiet = in.descriptors();
    process_ptr victim = in.workers()[1];
    in.system.kill(victim, SIGKILL);
    co_await in.until("a replacement", [&] { return in.logged("is ready") >= 5; });
    client& operator_ = in.connect();
    int upgrade = operator_.request("upgrade");
    co_await in.until("the upgrade", [&] { return !operator_.answer_to(upgrade).empty(); });
    co_await in.until("the old ones have gone", [&] { return in.workers().size() == 4; });
    operator_.shut();
    co_await in.pause(1s);
    in.expect(in.descriptors() == quiet, "as many descriptors as before");
    in.system.kill(in.master, SIGTERM);
}

BOOST_AUTO_TEST_CASE(a_life) {
    world in;
    in.plan = [](const process&) { return worker_plan{.ack = worker_plan::ack_kind::by_socket}; };
    in.run({"-m", "-n", "4", "-b", "127.0.0.1:8000", "/srv/server"}, live(in));
    for (const std::string& violation : in.violations())
        BOOST_ERROR(violation);
    BOOST_TEST(in.exit_code().value_or(-1) == 0);
    BOOST_TEST_MESSAGE(in.log());
}

} // namespace
} // namespace einhyrningsins::world
