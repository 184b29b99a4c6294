// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/group/report_observers.hpp"

#include <boost/test/unit_test.hpp>

#include <memory>
#include <string>

using namespace einhyrningsins;
using master::report_observers;

namespace {

const core::report some_report = core::report_of::gave_up{1};

/// Appends a letter to `heard` for as many reports as it wants to hear.
report_observers::observer letter(std::string& heard, char which, int wanted) {
    return [&heard, which, left = wanted](const core::report&) mutable {
        heard += which;
        return --left > 0;
    };
}

} // namespace

BOOST_AUTO_TEST_SUITE(observers)

BOOST_AUTO_TEST_CASE(each_hears_in_order_for_as_long_as_it_wants) {
    report_observers all;
    std::string heard;
    all.add(letter(heard, 'a', 2));
    all.add(letter(heard, 'b', 1));
    all.add(letter(heard, 'c', 3));
    for (int count = 0; count < 4; ++count)
        all.tell("web", some_report);
    BOOST_TEST(heard == "abcacc");
}

/// Both calls are under way when the first observer has heard enough: it must not be destroyed
/// before it has returned, nor must the calls lose their place.
BOOST_AUTO_TEST_CASE(a_report_may_be_caused_while_another_is_heard) {
    report_observers all;
    std::string heard;
    auto alive = std::make_shared<int>(0);
    std::weak_ptr<int> observed = alive;
    all.add([&, depth = 0, alive = std::move(alive)](const core::report&) mutable {
        heard += 'a';
        if (++depth == 1) all.tell("web", some_report);
        if (observed.expired()) heard += '!';
        return false;
    });
    all.add(letter(heard, 'b', 1));
    all.add(letter(heard, 'c', 9));
    all.tell("web", some_report);
    BOOST_TEST(heard == "aabcc");
    BOOST_TEST(observed.expired());
    all.tell("web", some_report);
    BOOST_TEST(heard == "aabccc");
}

BOOST_AUTO_TEST_CASE(who_is_added_meanwhile_hears_the_next_report) {
    report_observers all;
    std::string heard;
    all.add([&](const core::report&) {
        heard += 'a';
        for (int count = 0; count < 100; ++count)
            all.add(letter(heard, 'b', 1));
        return false;
    });
    all.tell("web", some_report);
    BOOST_TEST(heard == "a");
    all.tell("web", some_report);
    BOOST_TEST(heard == "a" + std::string(100, 'b'));
}

/// What an observer holds may add another one when it goes.
BOOST_AUTO_TEST_CASE(who_is_added_by_a_destructor_hears_the_next_report) {
    report_observers all;
    std::string heard;
    std::shared_ptr<void> last(nullptr, [&](void*) { all.add(letter(heard, 'b', 1)); });
    all.add([held = std::move(last)](const core::report&) { return false; });
    all.tell("web", some_report);
    BOOST_TEST(heard.empty());
    all.tell("web", some_report);
    BOOST_TEST(heard == "b");
}

BOOST_AUTO_TEST_CASE(an_exception_of_one_costs_the_others_nothing) {
    report_observers all;
    std::string heard;
    all.add([&](const core::report&) -> bool {
        heard += 'a';
        throw std::bad_alloc();
    });
    all.add(letter(heard, 'b', 1));
    all.tell("web", some_report);
    all.tell("web", some_report);
    BOOST_TEST(heard == "aba");
}

BOOST_AUTO_TEST_SUITE_END()
