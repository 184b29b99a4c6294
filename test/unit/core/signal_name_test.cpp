// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/signal_name.hpp"

#include <boost/test/unit_test.hpp>

#include <csignal>

using namespace einhyrningsins::core;

BOOST_AUTO_TEST_CASE(signals_have_many_names) {
    for (const char* name : {"HUP", "SIGHUP", "hup", "sighup", "1"})
        BOOST_TEST((signal_number(name) == SIGHUP), name);
    BOOST_TEST((signal_number("RTMIN+2") == SIGRTMIN + 2));
    for (const char* name : {"", "SIG", "HUPP", "0", "-1", "999", "RTMIN+99", "1x"})
        BOOST_TEST(!signal_number(name), name);
}

BOOST_AUTO_TEST_CASE(signal_names_are_those_of_the_manual) {
    BOOST_TEST(signal_name(SIGUSR2) == "SIGUSR2");
    BOOST_TEST(signal_name(SIGRTMIN + 1) == "SIGRTMIN+1");
    BOOST_TEST(signal_name(4711) == "signal 4711");
}
