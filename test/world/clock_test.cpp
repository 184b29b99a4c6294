// SPDX-License-Identifier: GPL-3.0-or-later
//
// The clock of the wall is set.
#include "world/world.hpp"

#include <boost/test/unit_test.hpp>

#include <csignal>

namespace einhyrningsins::world {
namespace {

using namespace std::chrono_literals;

constexpr const char* groups_file = "/srv/groups.toml";
constexpr const char* group_with_live_check =
    "[a]\ncmd = [\"/srv/server\"]\nstart_immediate = true\nrestart = \"always\"\nack = \"manual\"\n"
    "live_check_timeout = 3\n";

inode_ptr watch_file(world& in) {
    constexpr std::string_view name = "_WATCH_FILE=";
    for (const std::string& each : in.workers().at(0)->environment)
        if (auto at = each.find(name); at != each.npos)
            return in.system.files().at(each.substr(at + name.size()));
    return nullptr;
}

/// The worker has touched its file, its next touch is far off, and so is the next look at it.
story live(world& in, instant step, bool reloads) {
    co_await in.until("the ack", [&] { return in.logged("is ready") == 1; });
    inode_ptr file = watch_file(in);
    instant last = file->changed_at;
    co_await in.until("a touch", [&] { return file->changed_at != last; });
    if (reloads) {
        in.connect().request("reload");
        co_await in.until("the reload", [&] { return in.logged("reloaded") > 0; });
    }
    in.system.step_wall(step);
    co_await in.pause(30s);
    in.expect(in.logged("no sign of life") == 0 && in.workers().size() == 1, "nobody is killed");
    in.system.kill(in.master, SIGTERM);
}

void run(instant step, bool reloads) {
    world in;
    in.plan = [](const process&) {
        return worker_plan{.ack = worker_plan::ack_kind::by_socket, .touches_every = 2500ms};
    };
    in.system.files().make(groups_file, S_IFREG | 0644, in.user, group_with_live_check);
    in.run({"--config", groups_file}, live(in, step, reloads));
    for (const std::string& violation : in.violations())
        BOOST_ERROR(violation + "\n" + in.log());
}

BOOST_AUTO_TEST_CASE(a_clock_that_is_set_costs_no_worker) {
    for (bool reloads : {false, true})
        for (instant step : {instant(1h), instant(-1h)})
            run(step, reloads);
}

} // namespace
} // namespace einhyrningsins::world
