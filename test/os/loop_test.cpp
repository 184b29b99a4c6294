// SPDX-License-Identifier: GPL-3.0-or-later
#include "loop/alarm.hpp"
#include "loop/readable.hpp"
#include "loop/readiness.hpp"
#include "loop/turns.hpp"
#include "os/pipe.hpp"
#include "support.hpp"

#include <boost/asio/post.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

using namespace einhyrningsins;
using namespace std::chrono_literals;
using loop::readable;
using loop::turns;
using os_test::no_memory;

namespace {

using clock_type = core::time_point::clock;

/// The loop is held up: nothing of it runs meanwhile.
void hold_up(core::duration how_long) { std::this_thread::sleep_for(how_long); }

struct fixture {
    boost::asio::io_context context{1};
    std::string heard; ///< a letter for each handler that ran
    std::vector<std::string> failures;

    fixture() {
        turns::of(context).on_failure([this](const std::string& why) { failures.push_back(why); });
    }
    auto say(char letter) {
        return [this, letter] { heard += letter; };
    }
    void run_for(core::duration how_long) {
        context.restart();
        context.run_for(how_long);
    }
    /// Runs until so much was heard, and a little longer, and checks that it is just that.
    void expect(const std::string& all) {
        auto end = clock_type::now() + 20s;
        while (heard.size() < all.size() && clock_type::now() < end)
            run_for(10ms);
        run_for(10ms);
        BOOST_TEST(heard == all);
    }
};

struct pipe_with_text : os::pipe_ends {
    pipe_with_text() : os::pipe_ends(std::move(*os::make_pipe())) { write_byte(); }
    void write_byte() const { BOOST_REQUIRE(::write(write.get(), "x", 1) == 1); }
    void read_byte() const {
        char byte;
        BOOST_REQUIRE(::read(read.get(), &byte, 1) == 1);
    }
};

} // namespace

// ---- alarm ----

BOOST_FIXTURE_TEST_CASE(an_alarm_rings_once_and_not_before_its_time, fixture) {
    auto began = clock_type::now();
    core::time_point rang;
    loop::alarm one(context, [&] { heard += 'a', rang = clock_type::now(); });
    one.after(10ms);
    BOOST_TEST(one.is_set());
    BOOST_TEST((one.due() >= began + 10ms));
    expect("a");
    BOOST_TEST((rang >= began + 10ms));
    BOOST_TEST(!one.is_set());
    BOOST_TEST(!one.due());
}

BOOST_FIXTURE_TEST_CASE(alarms_of_one_turn_ring_in_the_order_of_their_times, fixture) {
    loop::alarm late(context, say('c')), first(context, say('a')), middle(context, say('b'));
    auto now = clock_type::now();
    late.at(now + 3ms);
    middle.at(now + 2ms);
    first.at(core::time_point::min());
    hold_up(5ms);
    expect("abc");
}

BOOST_FIXTURE_TEST_CASE(a_cancelled_alarm_never_rings, fixture) {
    loop::alarm one(context, say('a'));
    one.soon();
    one.cancel();
    BOOST_TEST(!one.is_set());
    expect("");
}

BOOST_FIXTURE_TEST_CASE(an_alarm_that_is_due_can_still_be_cancelled, fixture) {
    loop::alarm second(context, say('b'));
    loop::alarm first(context, [&] { heard += 'a', second.cancel(); });
    auto now = clock_type::now();
    first.at(now + 1ms);
    second.at(now + 2ms);
    hold_up(5ms);
    expect("a");
}

BOOST_FIXTURE_TEST_CASE(what_is_heard_first_cancels_an_alarm_that_is_due, fixture) {
    pipe_with_text pipe;
    loop::alarm limit(context, say('l'));
    readable answer(context, [&] { pipe.read_byte(), heard += 'r', limit.cancel(); });
    BOOST_REQUIRE(answer.watch(pipe.read.get()));
    limit.after(1ms);
    hold_up(5ms);
    expect("r");
}

BOOST_FIXTURE_TEST_CASE(an_alarm_that_is_set_again_rings_at_the_new_time_alone, fixture) {
    core::time_point rang;
    loop::alarm second(context, [&] { heard += 'b', rang = clock_type::now(); });
    loop::alarm first(context, [&] { heard += 'a', second.after(10ms); });
    auto now = clock_type::now();
    first.at(now + 1ms);
    second.at(now + 2ms);
    hold_up(5ms);
    expect("ab");
    BOOST_TEST((rang >= now + 15ms));
}

BOOST_FIXTURE_TEST_CASE(soon_is_the_next_turn_also_from_the_handler_itself, fixture) {
    int rounds = 0;
    std::unique_ptr<loop::alarm> again;
    again = std::make_unique<loop::alarm>(context, [&] {
        boost::asio::post(context, say('p'));
        heard += 'a';
        if (++rounds < 3) again->soon();
    });
    again->soon();
    expect("apapap");
}

BOOST_FIXTURE_TEST_CASE(a_handler_may_destroy_its_alarm_and_others, fixture) {
    auto other = std::make_unique<loop::alarm>(context, say('o'));
    std::unique_ptr<loop::alarm> own;
    std::string captured = "a text that is too long to be kept in the string itself";
    own = std::make_unique<loop::alarm>(context, [&, captured] {
        other.reset();
        own.reset();
        heard += captured[0];
    });
    auto now = clock_type::now();
    own->at(now);
    other->at(now + 1ms);
    hold_up(5ms);
    expect("a");
}

BOOST_FIXTURE_TEST_CASE(an_alarm_that_fails_costs_nobody_else_his_turn, fixture) {
    loop::alarm failing(context, [&] { throw std::runtime_error("no memory"); });
    loop::alarm other(context, say('o'));
    failing.soon();
    other.soon();
    expect("o");
    BOOST_TEST(failures == std::vector<std::string>{"no memory"});
    failing.soon(); // it can be used again
    other.soon();
    expect("oo");
    BOOST_TEST(failures.size() == 2U);
}

BOOST_FIXTURE_TEST_CASE(a_failure_that_cannot_be_reported_costs_nobody_his_turn, fixture) {
    turns::of(context).on_failure([](const std::string&) { throw std::bad_alloc(); });
    loop::alarm failing(context, [&] { throw std::runtime_error("no memory"); });
    loop::alarm other(context, say('o'));
    failing.soon();
    other.soon();
    expect("o");
    failing.soon(); // it can be used again
    other.soon();
    expect("oo");
    pipe_with_text pipe;
    readable news(context, [&] {
        pipe.read_byte(), heard += 'r';
        throw 1;
    });
    BOOST_REQUIRE(news.watch(pipe.read.get()));
    expect("oor");
    other.soon();
    expect("ooro");
}

BOOST_FIXTURE_TEST_CASE(alarms_ring_without_memory, fixture) {
    pipe_with_text pipe;
    char byte;
    ssize_t passed = 0; // the macros of Boost.Test need memory
    readable news(context, [&] {
        passed += ::read(pipe.read.get(), &byte, 1);
        heard += 'r';
        throw std::bad_alloc();
    });
    BOOST_REQUIRE(news.watch(pipe.read.get()));
    std::unique_ptr<loop::alarm> again;
    again = std::make_unique<loop::alarm>(context, [&] {
        heard += 'a';
        if (heard.size() < 4) again->after(heard.size() % 2 == 0 ? 0ms : 1ms);
        passed += ::write(pipe.write.get(), "x", 1);
    });
    again->after(1h); // what is allocated once, for the first wait, is allocated
    run_for(0ms);
    again->after(1ms);
    auto end = clock_type::now() + 20s;
    {
        no_memory from_now_on;
        while (heard.size() < 5 && clock_type::now() < end)
            context.run_one_until(end);
    }
    BOOST_TEST(heard.size() == 5U);
    BOOST_TEST(std::ranges::count(heard, 'a') >= 2);
}

BOOST_FIXTURE_TEST_CASE(an_alarm_that_is_set_without_memory_rings_and_so_do_others, fixture) {
    loop::alarm late(context, say('l')), soon(context, say('s')), sooner(context, say('r'));
    late.after(300ms);
    boost::asio::post(context, [&] { // outside of a turn, while a timer runs
        no_memory from_now_on;
        soon.after(200ms);
        sooner.after(100ms);
    });
    auto end = clock_type::now() + 20s;
    while (heard.size() < 3 && clock_type::now() < end)
        context.run_one_until(end);
    BOOST_TEST(heard == "rsl");
}

BOOST_FIXTURE_TEST_CASE(without_memory_nothing_is_watched, fixture) {
    pipe_with_text pipe;
    readable news(context, [&] { pipe.read_byte(), heard += 'r'; });
    bool refused = false;
    {
        no_memory from_now_on;
        refused = !news.watch(pipe.read.get());
    }
    BOOST_TEST(refused);
    BOOST_TEST(!news.is_watching());
    BOOST_REQUIRE(news.watch(pipe.read.get()));
    expect("r");
}

BOOST_FIXTURE_TEST_CASE(a_loop_without_alarms_has_nothing_to_wait_for, fixture) {
    loop::alarm one(context, say('a'));
    one.after(1h);
    one.cancel();
    run_for(10s);
    BOOST_TEST(context.stopped());
    {
        loop::alarm gone(context, say('g')), &set = gone;
        set.after(1h);
    }
    run_for(10s);
    BOOST_TEST(context.stopped());
}

BOOST_AUTO_TEST_CASE(alarms_may_outlive_their_context) {
    auto context = std::make_unique<boost::asio::io_context>(1);
    loop::alarm one(*context, [] {});
    one.after(1h);
    context.reset();
    BOOST_TEST(!one.is_set());
}

// ---- readable ----

BOOST_FIXTURE_TEST_CASE(it_is_heard_as_long_as_something_is_left, fixture) {
    pipe_with_text pipe;
    pipe.write_byte();
    readable news(context, [&] { pipe.read_byte(), heard += 'r'; });
    BOOST_REQUIRE(news.watch(pipe.read.get()));
    expect("rr");
    pipe.write_byte();
    expect("rrr");
}

BOOST_FIXTURE_TEST_CASE(a_cancelled_wait_is_never_heard, fixture) {
    pipe_with_text a, b;
    std::unique_ptr<readable> one, other;
    // Both are ready in the same round: whoever comes first cancels the other.
    one = std::make_unique<readable>(context, [&] { a.read_byte(), heard += 'r', other.reset(); });
    other =
        std::make_unique<readable>(context, [&] { b.read_byte(), heard += 'r', one->cancel(); });
    BOOST_REQUIRE(one->watch(a.read.get()));
    BOOST_REQUIRE(other->watch(b.read.get()));
    expect("r");
}

BOOST_FIXTURE_TEST_CASE(another_descriptor_takes_the_place_of_the_first, fixture) {
    pipe_with_text a, b;
    readable news(context, [&] { heard += 'r', b.read_byte(); });
    BOOST_REQUIRE(news.watch(a.read.get()));
    BOOST_REQUIRE(news.watch(b.read.get()));
    expect("r");
}

BOOST_FIXTURE_TEST_CASE(its_handler_may_destroy_it, fixture) {
    pipe_with_text pipe;
    std::string captured = "a text that is too long to be kept in the string itself";
    std::unique_ptr<readable> own;
    own = std::make_unique<readable>(context, [&, captured] { own.reset(), heard += captured[0]; });
    BOOST_REQUIRE(own->watch(pipe.read.get()));
    expect("a");
}

BOOST_FIXTURE_TEST_CASE(a_handler_that_fails_is_called_again, fixture) {
    pipe_with_text pipe;
    readable news(context, [&] {
        if (failures.empty()) throw std::runtime_error("no memory");
        pipe.read_byte(), heard += 'r';
    });
    BOOST_REQUIRE(news.watch(pipe.read.get()));
    expect("r");
    BOOST_TEST(failures.size() == 1U);
}

BOOST_FIXTURE_TEST_CASE(what_cannot_be_watched_is_refused, fixture) {
    readable news(context, say('r'));
    auto wrong = news.watch(-1);
    BOOST_REQUIRE(!wrong);
    BOOST_TEST(wrong.error().number == EBADF);
    BOOST_TEST(!news.is_watching());
}

// ---- turns ----

/// The way of an ack: a connection is accepted, waited for, read.
BOOST_FIXTURE_TEST_CASE(all_that_came_in_time_is_heard_before_an_alarm, fixture) {
    os::unique_fd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    BOOST_REQUIRE(::bind(listener.get(), generic, sizeof address.sun_family) == 0);
    BOOST_REQUIRE(::getsockname(listener.get(), generic, &size) == 0);
    BOOST_REQUIRE(::listen(listener.get(), 8) == 0);
    os::unique_fd connection;
    readable line(context, [&] {
        char text[16];
        BOOST_REQUIRE(::read(connection.get(), text, sizeof text) > 0);
        heard += text[0];
        line.cancel();
    });
    readable clients(context, [&] {
        connection.reset(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
        boost::asio::post(context, [&] { BOOST_REQUIRE(line.watch(connection.get())); });
    });
    BOOST_REQUIRE(clients.watch(listener.get()));
    loop::alarm deadline(context, say('d'));
    deadline.after(2ms);
    os::unique_fd client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    BOOST_REQUIRE(::connect(client.get(), generic, size) == 0);
    BOOST_REQUIRE(::write(client.get(), "ack\n", 4) == 4);
    hold_up(5ms);
    expect("ad");
}

BOOST_FIXTURE_TEST_CASE(answers_come_after_what_was_decided_before, fixture) {
    constexpr auto answer = loop::alarm::purpose::answer;
    loop::alarm consequence(context, say('c'));
    loop::alarm decision(context, [&] { heard += 'd', consequence.soon(); });
    loop::alarm second(context, say('b'), answer);
    loop::alarm first(
        context, [&] { heard += 'a', second.soon(), decision.soon(); }, answer);
    first.soon();
    expect("adcb");
}

/// Ten upgrades that are asked for at once are two at most.
BOOST_FIXTURE_TEST_CASE(answers_that_are_due_together_do_not_wait_for_each_other, fixture) {
    constexpr auto answer = loop::alarm::purpose::answer;
    loop::alarm decision(context, say('d'));
    loop::alarm first(
        context, [&] { heard += 'a', decision.soon(); }, answer);
    loop::alarm second(context, say('b'), answer);
    first.soon();
    second.soon();
    expect("abd");
}

/// One that is destroyed or cancelled by another of the same turn does not ring.
BOOST_FIXTURE_TEST_CASE(an_answer_that_another_one_destroys_does_not_ring, fixture) {
    constexpr auto answer = loop::alarm::purpose::answer;
    auto second = std::make_unique<loop::alarm>(context, say('b'), answer);
    loop::alarm third(context, say('c'), answer);
    loop::alarm first(
        context, [&] { heard += 'a', second.reset(), third.cancel(); }, answer);
    loop::alarm last(context, say('d'), answer);
    first.soon();
    second->soon();
    third.soon();
    last.soon();
    expect("ad");
}

BOOST_FIXTURE_TEST_CASE(answers_are_not_put_off_for_ever, fixture) {
    std::unique_ptr<loop::alarm> busy;
    loop::alarm answer(context, say('a'), loop::alarm::purpose::answer);
    busy = std::make_unique<loop::alarm>(context, [&] {
        if (heard.empty()) busy->soon();
    });
    busy->soon();
    answer.soon();
    expect("a");
}

/// Of two that are due in the same turn, the one that has not waited so long does not wait for what
/// follows from the other.
BOOST_FIXTURE_TEST_CASE(answers_ring_together_also_when_one_has_waited_long_enough, fixture) {
    constexpr auto answer = loop::alarm::purpose::answer;
    loop::alarm first(context, say('a'), answer), second(context, say('b'), answer);
    unsigned turns = 0;
    std::unique_ptr<loop::alarm> busy;
    busy = std::make_unique<loop::alarm>(context, [&] {
        if (!heard.empty()) heard += 't';
        if (heard.size() < 2) busy->soon();
        if (++turns == 4) second.soon();
    });
    busy->soon();
    first.soon();
    expect("bat");
}

BOOST_FIXTURE_TEST_CASE(who_talks_all_the_time_does_not_keep_alarms_from_ringing, fixture) {
    pipe_with_text pipe; // which nobody reads
    readable flood(context, [] {});
    BOOST_REQUIRE(flood.watch(pipe.read.get()));
    loop::alarm one(context, say('a'));
    one.soon();
    expect("a");
}

BOOST_FIXTURE_TEST_CASE(time_in_which_the_loop_did_not_turn_is_added_to_limits, fixture) {
    core::duration stall{};
    turns::of(context).on_stall([&](core::duration how_long) { stall += how_long; });
    loop::alarm limit(context, say('l'), loop::alarm::purpose::limit), task(context, say('t'));
    auto due = clock_type::now() + 10ms;
    task.at(due);
    limit.at(due + 10s);
    hold_up(loop::tolerated_stall + 200ms);
    expect("t");
    BOOST_TEST((stall >= 200ms));
    BOOST_TEST((limit.due() == due + 10s + stall));
}

BOOST_FIXTURE_TEST_CASE(a_stall_is_noticed_although_others_are_heard_first, fixture) {
    core::duration stall{};
    turns::of(context).on_stall([&](core::duration how_long) { stall += how_long; });
    pipe_with_text pipe;
    readable news(context, [&] { pipe.read_byte(); });
    BOOST_REQUIRE(news.watch(pipe.read.get()));
    loop::alarm task(context, say('t'));
    task.after(1ms);
    hold_up(loop::tolerated_stall + 100ms);
    expect("t");
    BOOST_TEST((stall >= 100ms));
}

BOOST_FIXTURE_TEST_CASE(a_limit_that_begins_before_a_stall_and_is_set_after_it_is_longer, fixture) {
    core::duration stall{};
    turns::of(context).on_stall([&](core::duration how_long) { stall += how_long; });
    loop::alarm limit(context, say('l'), loop::alarm::purpose::limit);
    core::time_point due;
    loop::alarm task(context, [&] {
        heard += 't';
        due = clock_type::now() + 5ms;
        hold_up(loop::tolerated_stall + 100ms);
        limit.at(due);
    });
    task.soon();
    expect("tl");
    BOOST_TEST((stall >= 100ms));
}

BOOST_FIXTURE_TEST_CASE(a_stall_is_noticed_although_the_alarm_that_was_late_is_set_anew, fixture) {
    core::duration stall{};
    turns::of(context).on_stall([&](core::duration how_long) { stall += how_long; });
    loop::alarm task(context, say('t'));
    pipe_with_text pipe;
    readable news(context, [&] {
        pipe.read_byte();
        task.after(1ms);
        hold_up(loop::tolerated_stall + 100ms);
        task.soon();
    });
    BOOST_REQUIRE(news.watch(pipe.read.get()));
    expect("t");
    BOOST_TEST((stall >= 100ms));
}

BOOST_FIXTURE_TEST_CASE(time_since_another_loop_ran_last_is_added_to_limits, fixture) {
    core::duration stall{};
    turns::of(context).on_stall([&](core::duration how_long) { stall += how_long; });
    loop::alarm limit(context, say('l'), loop::alarm::purpose::limit), task(context, say('t'));
    auto before = clock_type::now() - 1h;
    limit.at(before + 10s);
    task.soon();
    turns::of(context).continue_from(before);
    BOOST_TEST((turns::of(context).last_ran() == before));
    expect("t");
    BOOST_TEST((stall >= 1h - loop::tolerated_stall));
    BOOST_TEST((limit.due() == before + 10s + stall));
    BOOST_TEST((turns::of(context).last_ran() > before + 1h));
}

BOOST_FIXTURE_TEST_CASE(a_loop_that_continues_another_one_at_once_has_not_stalled, fixture) {
    bool told = false;
    turns::of(context).on_stall([&](core::duration) { told = true; });
    loop::alarm task(context, say('t'));
    task.soon();
    turns::of(context).continue_from(clock_type::now() + 1h); // no clock of this machine's
    expect("t");
    BOOST_TEST(!told);
}

BOOST_FIXTURE_TEST_CASE(alarms_that_take_long_do_not_change_the_time_of_the_turn, fixture) {
    core::time_point before, after;
    loop::alarm first(context, [&] {
        before = turns::of(context).heard_until();
        hold_up(5ms);
    });
    loop::alarm second(context, [&] { heard += 's', after = turns::of(context).heard_until(); });
    first.soon();
    second.soon();
    expect("s");
    BOOST_TEST((before == after));
    BOOST_TEST((turns::of(context).heard_until() > after));
}

BOOST_FIXTURE_TEST_CASE(a_short_delay_is_no_stall, fixture) {
    bool told = false;
    turns::of(context).on_stall([&](core::duration) { told = true; });
    loop::alarm limit(context, say('l'), loop::alarm::purpose::limit);
    auto began = clock_type::now();
    limit.after(1ms);
    hold_up(20ms);
    expect("l");
    bool was_short =
        clock_type::now() < began + loop::tolerated_stall; // not if the machine is busy
    BOOST_TEST(!(told && was_short));
}

BOOST_FIXTURE_TEST_CASE(time_in_which_the_loop_waited_is_no_part_of_a_stall, fixture) {
    core::duration stall{};
    turns::of(context).on_stall([&](core::duration how_long) { stall += how_long; });
    loop::alarm limit(context, say('l'), loop::alarm::purpose::limit);
    auto due = clock_type::now() + 3s;
    limit.at(due);
    context.restart();
    context.run_until(due - 100ms); // nothing calls the loop but its own timer
    hold_up(600ms);
    context.restart();
    while (stall == core::duration() && heard.empty())
        context.run_one();
    BOOST_TEST((stall >= 250ms));
    BOOST_TEST((stall < 2s));
    BOOST_TEST((!limit.is_set() || limit.due() == due + stall));
}

BOOST_FIXTURE_TEST_CASE(limits_of_a_loop_that_is_always_slow_are_reached, fixture) {
    loop::alarm limit(context, say('l'), loop::alarm::purpose::limit);
    std::unique_ptr<loop::alarm> slow;
    slow = std::make_unique<loop::alarm>(context, [&] {
        hold_up(loop::tolerated_stall + 50ms);
        if (heard.empty()) slow->soon();
    });
    slow->soon();
    limit.after(500ms);
    expect("l");
}

// ---- readiness ----

namespace {

struct connected {
    os::unique_fd ours, theirs;
    connected() {
        int ends[2];
        BOOST_REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) ==
                      0);
        ours.reset(ends[0]);
        theirs.reset(ends[1]);
    }
    static void write_byte(const os::unique_fd& to) {
        BOOST_REQUIRE(::write(to.get(), "x", 1) == 1);
    }
    void fill() const {
        char bytes[4096] = {};
        while (::write(ours.get(), bytes, sizeof bytes) > 0) {
        }
    }
    void drain() const {
        char bytes[4096];
        while (::read(theirs.get(), bytes, sizeof bytes) > 0) {
        }
    }
};

} // namespace

BOOST_FIXTURE_TEST_CASE(readiness_is_told_once_for_each_wait, fixture) {
    connected pair;
    loop::readiness ready(context, say('r'), say('w'));
    BOOST_REQUIRE(ready.open(pair.ours.get()));
    pair.write_byte(pair.theirs);
    expect("");
    ready.await_readable();
    ready.await_readable();
    expect("r"); // the byte is still there
    ready.await_readable();
    expect("rr");
}

BOOST_FIXTURE_TEST_CASE(both_directions_are_waited_for_independently, fixture) {
    connected pair;
    pair.fill();
    loop::readiness ready(context, say('r'), say('w'));
    BOOST_REQUIRE(ready.open(pair.ours.get()));
    ready.await_readable();
    ready.await_writable();
    expect("");
    pair.drain();
    expect("w");
    pair.write_byte(pair.theirs);
    expect("wr");
}

BOOST_FIXTURE_TEST_CASE(readiness_that_has_ended_is_not_told, fixture) {
    connected pair;
    auto ready = std::make_unique<loop::readiness>(context, say('r'), say('w'));
    BOOST_REQUIRE(ready->open(pair.ours.get()));
    ready->await_readable();
    pair.write_byte(pair.theirs);
    ready.reset();
    expect("");
    pair.write_byte(pair.ours); // the descriptor is still the caller's
}

BOOST_FIXTURE_TEST_CASE(a_handler_of_readiness_may_destroy_it_and_may_fail, fixture) {
    connected pair;
    pair.write_byte(pair.theirs);
    std::unique_ptr<loop::readiness> ready;
    ready = std::make_unique<loop::readiness>(
        context,
        [&] {
            heard += 'r';
            ready.reset();
            throw std::runtime_error("it fails");
        },
        say('w'));
    BOOST_REQUIRE(ready->open(pair.ours.get()));
    ready->await_readable();
    expect("r");
    BOOST_TEST(failures == std::vector<std::string>{"it fails"}, boost::test_tools::per_element());
}

BOOST_FIXTURE_TEST_CASE(what_cannot_be_waited_for_is_an_error, fixture) {
    loop::readiness ready(context, say('r'), say('w'));
    BOOST_TEST(!ready.open(-1));
    ready.await_readable(); // does nothing
    expect("");
}
