// SPDX-License-Identifier: GPL-3.0-or-later
#include "config/option.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <csignal>
#include <set>

namespace einhyrningsins::config {
namespace {

using namespace std::chrono_literals;

/// A change that must be taken.
void change(group_settings& group, const char* name, std::vector<std::string> values) {
    auto wrong = change_at_run_time(group, name, values);
    BOOST_REQUIRE_MESSAGE(!wrong, *wrong);
}

std::string refusal(const char* name, std::vector<std::string> values) {
    group_settings group;
    return change_at_run_time(group, name, values).value_or("");
}

} // namespace

BOOST_AUTO_TEST_SUITE(config_option)

BOOST_AUTO_TEST_CASE(names_and_letters_are_unique) {
    std::set<std::string> seen;
    for (const option& one : options()) {
        BOOST_TEST(seen.insert(one.name).second, one.name);
        if (one.letter) BOOST_TEST(seen.insert(std::string("-") + one.letter).second, one.name);
        BOOST_TEST(find_option(one.name) == &one);
    }
    BOOST_TEST(find_option("nubmer") == nullptr);
    BOOST_TEST(find_option("") == nullptr);
}

BOOST_AUTO_TEST_CASE(what_can_be_changed_at_run_time) {
    std::set<std::string> names;
    for (const option& one : options())
        if (one.at_run_time) names.insert(one.name);
    std::set<std::string> expected{
        "number",       "ack-mode",       "ack-timeout",  "retries",
        "seconds",      "stop-signal",    "max-unacked",  "max-upgrade-additional",
        "drop-env-var", "signal-timeout", "signal-scope", "leftovers"};
    BOOST_TEST(names == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(changes_of_the_policy) {
    group_settings group;
    change(group, "number", {"7"});
    change(group, "retries", {"3"});
    change(group, "seconds", {"0.5"});
    change(group, "stop-signal", {"term"});
    change(group, "signal-timeout", {"0"});
    change(group, "max-unacked", {"2"});
    change(group, "max_upgrade_additional", {"1"});
    BOOST_TEST(group.policy.number == 7u);
    BOOST_TEST(group.policy.retries.value() == 3u);
    BOOST_TEST((group.policy.seconds == 500ms));
    BOOST_TEST(group.policy.stop_signal == SIGTERM);
    BOOST_TEST((group.policy.signal_timeout == 0s));
    BOOST_TEST(group.policy.max_unacked == 2u);
    BOOST_TEST(group.policy.max_upgrade_additional.value() == 1u);
}

BOOST_AUTO_TEST_CASE(the_ack_timeout_outlives_a_change_of_the_mode) {
    group_settings group;
    change(group, "ack-timeout", {"5"});
    BOOST_TEST(std::holds_alternative<core::ack_timer>(group.policy.ack));
    change(group, "ack-mode", {"manual"});
    BOOST_TEST((std::get<core::ack_manual>(group.policy.ack).timeout == 5s));
    change(group, "ack-timeout", {"6"});
    BOOST_TEST((std::get<core::ack_manual>(group.policy.ack).timeout == 6s));
    change(group, "ack-mode", {"notify"});
    BOOST_TEST((std::get<core::ack_notify>(group.policy.ack).timeout == 6s));
    change(group, "ack-mode", {"0.5"});
    BOOST_TEST((std::get<core::ack_timer>(group.policy.ack).survive == 500ms));
}

BOOST_AUTO_TEST_CASE(values_of_a_repeatable_option_replace_the_earlier_ones) {
    group_settings group;
    group.drop_variables = {"OLD"};
    change(group, "drop-env-var", {"A", "B"});
    BOOST_TEST(group.drop_variables == (std::vector<std::string>{"A", "B"}),
               boost::test_tools::per_element());
    change(group, "drop-env-var", {});
    BOOST_TEST(group.drop_variables.empty());
}

BOOST_AUTO_TEST_CASE(refusals_name_the_option) {
    BOOST_TEST(refusal("number", {"0"}) == "--number: '0' is not a number from 1 to 10000");
    BOOST_TEST(refusal("number", {}) == "--number: takes one value");
    BOOST_TEST(refusal("number", {"1", "2"}) == "--number: takes one value");
    BOOST_TEST(refusal("bind", {":80"}) ==
               "'bind' is not an option that can be changed at run time");
    BOOST_TEST(refusal("numbr", {"1"}) ==
               "'numbr' is not an option that can be changed at run time (did you mean 'number'?)");
    BOOST_TEST(refusal("ack\nmode", {"1"}).find('\n') == std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_refused_change_changes_nothing) {
    group_settings group;
    group.drop_variables = {"OLD"};
    BOOST_TEST(change_at_run_time(group, "drop-env-var", {"A", "B=C"}).has_value());
    BOOST_TEST(group.drop_variables == std::vector<std::string>{"OLD"},
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace einhyrningsins::config
