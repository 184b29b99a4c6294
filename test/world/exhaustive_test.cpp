// SPDX-License-Identifier: GPL-3.0-or-later
//
// One history, with each of its system calls as the one at which something happens.
#include "world/apart.hpp"
#include "world/faults.hpp"
#include "world/world.hpp"

#include <boost/test/unit_test.hpp>

#include <csignal>
#include <functional>

namespace einhyrningsins::world {
namespace {

using namespace std::chrono_literals;

constexpr const char* groups_file = "/srv/groups.toml";

/// With everything that a group can have besides workers.
constexpr const char* services =
    "uid = \"www\"\nupgrader = [\"/srv/upgrader\"]\nlive_check_timeout = 3\n"
    "start_immediate = false\nexec_stop = [\"/srv/stop\", \"NAME\"]\n";

std::string group_text(const std::string& name, bool has_services) {
    std::string extra = has_services ? services : "start_immediate = true\n";
    if (auto at = extra.find("NAME"); at != extra.npos) extra.replace(at, 4, name);
    return "[" + name + "]\ncmd = [\"/srv/server\", \"" + name + "\"]\nack = \"manual\"\n" + extra +
           "restart = \"always\"\nack_timeout = 2\nsignal_timeout = 1\nnumprocesses = 2\n" +
           "socket_address = [\"/tmp/" + name + ".listener\"]\ncontrol_socket = \"/tmp/" + name +
           ".sock\"\nstdout_log = \"size:500:1:/srv/" + name + ".log\"\n";
}

/// A life in which most things happen once.
class life {
  public:
    /// `happens`: what happens at each call after the start; returns an errno or 0.
    life(bool has_services, std::function<int(world&, const char* call)> happens)
        : has_services_(has_services),
          happens_(std::move(happens)) {
        if (has_services_) world_.user = 0;
        world_.fault = [this](std::string_view call) {
            int error = is_calm_ ? 0 : happens_(world_, std::string(call).c_str());
            failed_ |= error != 0;
            return error;
        };
        // A directory of watch files that could not be removed is not tried again yet.
        world_.is_expected = [](const std::string& path) {
            return path.find(".log") != path.npos || path.starts_with("/tmp/einhyrningsins-");
        };
        world_.plan = [](const process&) {
            return worker_plan{.ack = worker_plan::ack_kind::by_socket, .writes_every = 1s};
        };
        file_ = world_.system.files().make(groups_file, S_IFREG | 0644, world_.user, text_of("a"));
    }

    /// Returns what is wrong, and if something is, the log.
    std::string run() {
        world_.run({"--config", groups_file}, live());
        std::string told;
        for (const std::string& each : world_.violations())
            told += each + "\n";
        return told.empty() ? told : told + world_.log();
    }

  private:
    story live();
    std::string text_of(const char* name) const { return group_text(name, has_services_); }
    int ask(const char* command) {
        if (!asker_ || !asker_->is_connected() || asker_->is_closed()) asker_ = &world_.connect();
        return asker_->request(command);
    }
    bool is_answered(int id) const {
        return !asker_->answer_to(id).empty() || !asker_->is_connected() || asker_->is_closed();
    }

    world world_;
    bool has_services_;
    std::function<int(world&, const char*)> happens_;
    inode_ptr file_;
    client* asker_ = nullptr;
    bool is_calm_ = true, failed_ = false;
};

story life::live() {
    co_await world_.until("the start", [&] { return world_.is_listening(); });
    if (has_services_) world_.connect("/tmp/a.listener");
    co_await world_.until("two workers", [&] { return world_.logged("is ready") == 2; });
    is_calm_ = false;
    for (const char* command : {"upgrade", "reload", "add b", "remove b", "stop", "start"}) {
        if (command == std::string_view("add b")) file_->text = text_of("a") + text_of("b");
        if (command == std::string_view("remove b")) file_->text = text_of("a");
        bool reads = std::string_view(command).ends_with("b");
        co_await world_.until(
            "a control socket", [&] { return world_.is_listening(); }, 400s);
        int id = ask(reads ? "reload-config" : command);
        co_await world_.until(
            command, [&] { return is_answered(id); }, 400s);
        co_await world_.pause(100ms);
    }
    is_calm_ = true;
    co_await world_.pause(5s);
    for (const char* command : {"reload-config", "start", "reload", "upgrade"}) {
        co_await world_.until(
            "a control socket", [&] { return world_.is_listening(); }, 400s);
        int id = ask(command);
        co_await world_.until(
            command, [&] { return is_answered(id); }, 400s);
        world_.expect(asker_->answer_to(id).find("\"ok\":true") != std::string::npos,
                      command + (" succeeds: " + asker_->answer_to(id)));
    }
    world_.expect(world_.workers().size() >= 2, "two workers at the end");
    if (!failed_)
        for (const char* sign : {" died", "SIGKILL", "failure", "aborted", "not acked", "in a row"})
            world_.expect(world_.logged(sign) == 0, std::string("nobody is ") + sign);
    world_.system.kill(world_.master, SIGTERM);
}

using event = std::function<int(world&, const char* call)>;

/// Has something happen at the n-th call, for n = 1, 2, ... until there are no more calls.
/// `begin`: what happens from then on.
void at_each_call(const std::function<event(unsigned n, unsigned& calls)>& begin) {
    for (bool has_services : {false, true}) {
        std::string wrong = run_numbered([&](unsigned n) {
            unsigned calls = 0;
            std::string told = life(has_services, begin(n, calls)).run();
            return told.empty() && calls < n ? over : told;
        });
        BOOST_TEST_REQUIRE(wrong.empty(), (has_services ? "with services, " : "") << wrong);
    }
}

void disturb_at_each(const std::function<void(world&)>& disturb) {
    at_each_call([&](unsigned n, unsigned& calls) {
        return [&disturb, &calls, n](world& in, const char*) {
            if (++calls == n) disturb(in);
            return 0;
        };
    });
}

/// Calls fail from the n-th on, `length` in all.
void fail_from_each(unsigned length) {
    at_each_call([length](unsigned n, unsigned& calls) {
        return [length, &calls, n](world&, const char* call) {
            int error = faults::usual(call);
            calls += error != 0;
            return calls >= n && calls < n + length ? error : 0;
        };
    });
}

BOOST_AUTO_TEST_SUITE(each_call)

/// A new master that is called as the old one goes on without complaint. It does not know of groups
/// that are not in the file any more, nor of watch files.
BOOST_AUTO_TEST_CASE(is_the_last) {
    disturb_at_each([](world& in) {
        in.is_expected = [](const std::string& path) {
            return path.find(".log") != path.npos || path.starts_with("/tmp/b.") ||
                   path.starts_with("/tmp/einhyrningsins-");
        };
        in.kill_and_start_again();
    });
}

/// The master is stopped, or the call lasts longer than any limit. What came in time is heard first
/// (SPEC 7.7).
BOOST_AUTO_TEST_CASE(is_slow) {
    disturb_at_each([](world& in) { in.system.stop_current(100s); });
}

/// The time in which nobody could do anything does not count, in a reload either.
BOOST_AUTO_TEST_CASE(finds_the_machine_frozen) {
    disturb_at_each([](world& in) { in.system.freeze_all(100s); });
}

BOOST_AUTO_TEST_CASE(fails) { fail_from_each(1); }
/// A machine is in need for a while.
BOOST_AUTO_TEST_CASE(fails_and_three_more) { fail_from_each(4); }

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace einhyrningsins::world
