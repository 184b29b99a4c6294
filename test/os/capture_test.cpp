// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/own_process.hpp"
#include "output/capture.hpp"
#include "run_until.hpp"
#include "support.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/test/unit_test.hpp>

#include <csignal>
#include <filesystem>
#include <map>
#include <random>
#include <sstream>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace einhyrningsins;
using namespace einhyrningsins::output;
using namespace os_test;
using namespace std::chrono_literals;

namespace {

struct fixture {
    scratch directory;
    std::string path = directory / "log";
    std::vector<std::string> told;
    boost::asio::io_context context{1};
    std::unique_ptr<capture> output =
        std::make_unique<capture>(context, model::logs_state{}, report());
    std::vector<pid_t> children;

    capture::reporter report() {
        return [this](const note& what) { told.push_back(what.text); };
    }
    config::log_spec spec(const std::string& rule = "size:1000000000:1:") const {
        return *config::parse_log_spec(rule + path);
    }
    os::unique_fd add(const std::string& rule = "size:1000000000:1:") {
        auto end = output->add(spec(rule));
        BOOST_REQUIRE_MESSAGE(end, end.error().message());
        return std::move(*end);
    }
    /// A worker: a process that has nothing but its stream.
    pid_t start(os::unique_fd end, const std::function<void(int)>& work) {
        // A child of a process with threads can inherit a lock of the sanitizer's allocator, which
        // nobody in the child will ever give back.
        run_until(os_test::has_one_thread);
        pid_t pid = ::fork();
        BOOST_REQUIRE(pid >= 0);
        if (pid == 0) {
            ::dup2(end.get(), STDOUT_FILENO);
            ::closefrom(3);
            ::alarm(30);
            work(STDOUT_FILENO);
            ::_exit(0);
        }
        children.push_back(pid);
        return pid;
    }
    template <class Predicate>
    bool run_until(Predicate holds) {
        return os_test::run_until(context, holds);
    }
    bool run_to_the_end() {
        return run_until([this] { return output->open_streams() == 0 && !output->is_writing(); });
    }
    /// As a master does that replaces its program: only the descriptors and the data stay.
    void carry_over() {
        bool settled = false;
        output->settle(20s, [&](const os::result<void>& done) { settled = done.has_value(); });
        BOOST_REQUIRE(run_until([&] { return settled; }));
        model::logs_state state = output->state();
        for (auto& one : state.files)
            if (one.fd >= 0) one.fd = ::fcntl(one.fd, F_DUPFD_CLOEXEC, 0);
        for (auto& one : state.streams)
            one.fd = ::fcntl(one.fd, F_DUPFD_CLOEXEC, 0);
        output = std::make_unique<capture>(context, state, report());
    }
    ~fixture() {
        for (pid_t pid : children) {
            ::kill(pid, SIGKILL);
            ::waitpid(pid, nullptr, 0);
        }
    }
};

void send(int fd, std::string_view text) {
    while (!text.empty()) {
        ssize_t sent = ::write(fd, text.data(), text.size());
        if (sent <= 0) ::_exit(1);
        text.remove_prefix(static_cast<std::size_t>(sent));
    }
}

/// Numbered lines with the worker's name, in pieces that know nothing of lines.
void talk(int fd, int worker, int lines, unsigned largest_piece) {
    std::mt19937 random(static_cast<unsigned>(worker));
    std::string text;
    for (int n = 0; n < lines; ++n) {
        text += "worker " + std::to_string(worker) + " line " + std::to_string(n) + " " +
                std::string(random() % 200, 'x') + "\n";
        if (text.size() < largest_piece && n + 1 < lines) continue;
        std::string_view rest = text;
        while (rest.size() > 0) {
            std::size_t piece = std::min<std::size_t>(rest.size(), 1 + random() % largest_piece);
            send(fd, rest.substr(0, piece));
            rest.remove_prefix(piece);
        }
        text.clear();
    }
}

/// How many lines there are of each worker; -1 where one is torn, missing or out of order.
std::map<int, int> lines_of(const std::string& text) {
    std::map<int, int> found;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        int worker = -1, number = -1, end = 0;
        std::sscanf(line.c_str(), "worker %d line %d %n", &worker, &number, &end);
        bool whole = end > 0 && line.find_first_not_of('x', std::size_t(end)) == std::string::npos;
        int& next = found[worker];
        next = whole && next == number ? next + 1 : -1;
        if (next < 0) break;
    }
    return found;
}

std::string all_of(const std::string& path, int backups) {
    std::string text;
    for (int n = backups; n > 0; --n)
        if (exists(path + "." + std::to_string(n)))
            text += contents(path + "." + std::to_string(n));
    return text + contents(path);
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(captures, fixture)

BOOST_AUTO_TEST_CASE(output_goes_to_the_file_up_to_the_last_byte) {
    start(add(), [](int fd) {
        send(fd, "first\nlast words");
        ::raise(SIGKILL);
    });
    BOOST_TEST(run_to_the_end());
    BOOST_TEST(contents(path) == "first\nlast words");
}

BOOST_AUTO_TEST_CASE(nothing_is_done_while_nothing_is_written) {
    os::unique_fd end = add();
    send(end.get(), "a\n");
    BOOST_TEST(run_until([&] { return contents(path) == "a\n"; }));
    BOOST_TEST(run_until([&] { return output->is_idle(); }));
    context.restart();
    context.poll(); // the end of a timer that was cancelled
    context.restart();
    BOOST_TEST(context.run_for(50ms) == 0U);
}

BOOST_AUTO_TEST_CASE(a_prompt_without_an_end_is_seen_at_once) {
    os::unique_fd end = add();
    send(end.get(), "password: ");
    BOOST_TEST(run_until([&] { return contents(path) == "password: "; }));
}

BOOST_AUTO_TEST_CASE(many_workers_share_a_file_line_by_line) {
    for (int worker = 0; worker < 4; ++worker)
        start(add(), [=](int fd) { talk(fd, worker, 20'000, 100U << (worker * 3)); });
    BOOST_TEST(run_to_the_end());
    auto found = lines_of(contents(path));
    for (int worker = 0; worker < 4; ++worker)
        BOOST_TEST(found[worker] == 20'000);
    BOOST_TEST(found.size() == 4U);
    BOOST_TEST(told.empty());
}

BOOST_AUTO_TEST_CASE(rotation_tears_no_line_and_loses_none) {
    for (int worker = 0; worker < 3; ++worker)
        start(add("size:300000:100:"), [=](int fd) { talk(fd, worker, 20'000, 5000); });
    BOOST_TEST(run_to_the_end());
    auto found = lines_of(all_of(path, 100));
    for (int worker = 0; worker < 3; ++worker)
        BOOST_TEST(found[worker] == 20'000);
    for (int n = 1; exists(path + "." + std::to_string(n)); ++n)
        BOOST_TEST(std::filesystem::file_size(path + "." + std::to_string(n)) <= 300'000U);
    BOOST_TEST(output->status(path).value().count.rotations > 10U);
}

BOOST_AUTO_TEST_CASE(reloads_in_the_middle_lose_nothing) {
    for (int worker = 0; worker < 3; ++worker)
        start(add("size:1000000:100:"), [=](int fd) { talk(fd, worker, 30'000, 3000); });
    int reloads = 0;
    BOOST_TEST(run_until([&] {
        if (output->open_streams() > 0 && ++reloads % 7 == 0) carry_over();
        return output->open_streams() == 0;
    }));
    BOOST_TEST(reloads > 7);
    auto found = lines_of(all_of(path, 100));
    for (int worker = 0; worker < 3; ++worker)
        BOOST_TEST(found[worker] == 30'000);
}

BOOST_AUTO_TEST_CASE(a_worker_is_not_blocked_by_a_file_that_cannot_be_written) {
    path = directory / "missing/log";
    pid_t pid = start(add(), [](int fd) { talk(fd, 0, 100'000, 5000); });
    BOOST_TEST(run_to_the_end());
    children.clear();
    BOOST_TEST(exit_code_of(pid) == 0);
    log_status status = output->status(path).value();
    BOOST_TEST(status.failing);
    BOOST_TEST(status.pending <= pending_limit(1));
    BOOST_TEST(status.count.dropped > 5'000'000U);
    BOOST_TEST(status.count.errors >= 1U);
    ::mkdir((directory / "missing").c_str(), 0755);
    BOOST_TEST(run_until([&] { return !output->status(path).value().failing; }));
    BOOST_TEST(contents(path).size() == status.pending);
    BOOST_TEST(told.size() == 2U);
    BOOST_TEST(run_until([&] { return output->is_idle(); }));
}

BOOST_AUTO_TEST_CASE(a_line_that_ends_in_time_is_not_torn) {
    os::unique_fd one = add();
    send(one.get(), "one begins");
    BOOST_TEST(run_until([&] { return contents(path) == "one begins"; }));
    os::unique_fd two = add();
    send(two.get(), "two\n");
    context.restart();
    context.poll(); // the news of two have been seen
    send(one.get(), " and ends\n");
    BOOST_TEST(run_until([&] { return contents(path) == "one begins and ends\ntwo\n"; }));
}

BOOST_AUTO_TEST_CASE(an_unfinished_line_keeps_nobody_for_long) {
    os::unique_fd one = add();
    send(one.get(), "one begins");
    BOOST_TEST(run_until([&] { return contents(path) == "one begins"; }));
    os::unique_fd two = add();
    send(two.get(), "two\n");
    BOOST_TEST(run_until([&] { return contents(path) == "one begins\ntwo\n"; }));
}

BOOST_AUTO_TEST_CASE(the_end_of_the_master_takes_all_that_is_there) {
    os::unique_fd one = add(), two = add();
    send(one.get(), "a\nb");
    send(two.get(), "c\n" + std::string(30'000, 'c'));
    output->finish();
    BOOST_TEST(contents(path) == "a\nb\nc\n" + std::string(30'000, 'c'));
    BOOST_TEST(output->open_streams() == 0U);
    output->keep_only([](const std::string&) { return false; });
    BOOST_TEST(!output->status(path).has_value());
}

BOOST_AUTO_TEST_CASE(a_pipe_grows_with_its_worker) {
    os::unique_fd end = add();
    std::size_t before = os::pipe_size(end.get());
    os::unique_fd same(::fcntl(end.get(), F_DUPFD_CLOEXEC, 0));
    start(std::move(end), [](int fd) { talk(fd, 0, 100'000, 60'000); });
    if (is_root()) BOOST_TEST(run_until([&] { return os::pipe_size(same.get()) > before; }));
    same.reset();
    BOOST_TEST(run_to_the_end());
    BOOST_TEST(lines_of(contents(path))[0] == 100'000);
}

BOOST_AUTO_TEST_CASE(other_work_has_its_turn) {
    for (int worker = 0; worker < 3; ++worker)
        start(add(), [=](int fd) { talk(fd, worker, 200'000, 60'000); });
    int turns = 0;
    loop::alarm other(context, [&] {
        ++turns;
        other.after(1ms);
    });
    other.after(1ms);
    BOOST_TEST(run_to_the_end());
    BOOST_TEST(turns > 10); // one for every 2 MiB at least
}

BOOST_AUTO_TEST_CASE(streams_to_the_same_path_share_the_file) {
    os::unique_fd one = add("size:100:1:"), two = add("size:200:1:");
    BOOST_TEST(output->status(path).has_value());
    one.reset();
    two.reset();
    BOOST_TEST(run_to_the_end());
    BOOST_TEST(output->state().files.at(0).spec.text == "size:200:1:" + path);
}

BOOST_AUTO_TEST_CASE(a_file_that_is_being_closed_is_waited_for_only_until_it_is) {
    send(add().get(), "a\n");
    BOOST_TEST(run_to_the_end());
    output->keep_only([](const std::string&) { return false; });
    BOOST_TEST(output->is_writing());
    std::optional<bool> settled;
    output->settle(10min, [&](const os::result<void>& done) { settled = done.has_value(); });
    BOOST_TEST(run_until([&] { return settled.has_value(); }));
    BOOST_TEST(settled.value_or(false));
    BOOST_TEST(output->state().files.empty());
}

BOOST_AUTO_TEST_CASE(a_file_can_be_used_again_while_it_is_being_closed) {
    send(add().get(), "a\n");
    BOOST_TEST(run_to_the_end());
    output->keep_only([](const std::string&) { return false; });
    send(add().get(), "b\n");
    BOOST_TEST(run_to_the_end());
    BOOST_TEST(contents(path) == "a\nb\n");
    BOOST_TEST(output->status(path).value().count.bytes == 2U);
}

BOOST_AUTO_TEST_CASE(what_dead_workers_leave_behind_holds_a_bounded_number_of_pipes) {
    auto is_alive = [](const model::stream_owner& owner) { return owner.worker == 1; };
    std::vector<os::unique_fd> held;
    std::size_t closed = 0;
    auto add_to = [&](const std::string& group, std::uint64_t worker) {
        closed += output->close_orphans(group, is_alive);
        auto end = output->add(spec(), {.group = group, .worker = worker, .generation = 1});
        BOOST_REQUIRE_MESSAGE(end, end.error().message());
        held.push_back(std::move(*end));
    };
    add_to("web", 1); // which lives
    add_to("other", 2);
    for (std::uint64_t worker = 2; worker < 1000; ++worker) {
        add_to("web", worker);
        if (worker == 500) carry_over();
    }
    std::size_t most = orphan_limit(2, os::descriptor_limit());
    BOOST_TEST(output->open_streams() <= most + most / 8 + 3);
    BOOST_TEST(output->open_streams() + closed == held.size());
    std::signal(SIGPIPE, SIG_IGN);
    for (std::size_t n : {std::size_t(0), std::size_t(1), held.size() - 1})
        send(held[n].get(), "from " + std::to_string(n) + "\n");
    BOOST_TEST(::write(held[2].get(), "x", 1) == -1); // the oldest of what was left behind
    held.clear();
    BOOST_TEST(run_to_the_end());
    std::string text = contents(path);
    for (const char* line : {"from 0\n", "from 1\n", "from 999\n"})
        BOOST_TEST(text.find(line) != text.npos);
}

BOOST_AUTO_TEST_CASE(a_pipe_is_emptied_before_it_is_closed) {
    std::vector<os::unique_fd> held;
    auto is_alive = [](const model::stream_owner&) { return false; };
    std::string expected;
    for (int n = 0; n < 1000; ++n) {
        output->close_orphans("web", is_alive);
        auto end = output->add(spec(), {.group = "web", .worker = 7, .generation = 1});
        BOOST_REQUIRE_MESSAGE(end, end.error().message());
        held.push_back(std::move(*end));
        expected += "line " + std::to_string(n) + "\n";
        send(held.back().get(), "line " + std::to_string(n) + "\n");
    }
    BOOST_TEST(output->open_streams() < 1000U);
    held.clear();
    BOOST_TEST(run_to_the_end());
    std::vector<std::string> lines;
    std::istringstream text(contents(path));
    for (std::string line; std::getline(text, line);)
        lines.push_back(line);
    std::ranges::sort(lines, {}, [](const std::string& line) { return std::stoi(line.substr(5)); });
    std::string all;
    for (const std::string& line : lines)
        all += line + "\n";
    BOOST_TEST(all == expected);
}

namespace {

/// Fills the pipes of so many processes that dead workers have left behind, while the loop does
/// not turn. Returns how many bytes that were.
std::size_t leave_behind(fixture& in, int streams, std::vector<os::unique_fd>& held) {
    auto is_alive = [](const model::stream_owner&) { return false; };
    std::size_t sent = 0;
    for (int n = 0; n < streams; ++n) {
        in.output->close_orphans("web", is_alive);
        auto end = in.output->add(in.spec(), {.group = "web", .worker = 7, .generation = 1});
        BOOST_REQUIRE_MESSAGE(end, end.error().message());
        std::string text = std::string(39'999, 'x') + "\n";
        send(end->get(), text);
        sent += text.size();
        held.push_back(std::move(*end));
    }
    return sent;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_pipe_that_cannot_be_emptied_yet_stays_open) {
    std::size_t most = orphan_limit(1, os::descriptor_limit());
    std::vector<os::unique_fd> held;
    std::size_t sent = leave_behind(*this, static_cast<int>(most + most / 4), held);
    held.clear();
    BOOST_TEST(run_to_the_end());
    BOOST_TEST(contents(path).size() == sent);
    BOOST_TEST(output->status(path).value().count.dropped == 0U);
}

BOOST_AUTO_TEST_CASE(what_is_in_pipes_beyond_the_bound_is_lost_and_counted) {
    std::size_t most = orphan_limit(1, os::descriptor_limit());
    std::vector<os::unique_fd> held;
    std::size_t sent = leave_behind(*this, static_cast<int>(most * 3), held);
    BOOST_TEST(output->open_streams() <= most * 2 + most / 8 + 1);
    held.clear();
    BOOST_TEST(run_to_the_end());
    std::uint64_t dropped = output->status(path).value().count.dropped;
    BOOST_TEST(dropped > 0U);
    std::string text = contents(path);
    auto ends = std::ranges::count(text, '\n'), bytes = std::ranges::count(text, 'x');
    BOOST_TEST(std::uint64_t(bytes) <= sent - dropped);
    BOOST_TEST(std::uint64_t(bytes + ends) >= sent - dropped);
}

BOOST_AUTO_TEST_SUITE_END()
