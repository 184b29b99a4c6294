// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nearest.hpp"

#include <boost/test/unit_test.hpp>

namespace einhyrningsins::core {

BOOST_AUTO_TEST_SUITE(core_nearest)

BOOST_AUTO_TEST_CASE(a_typing_error_has_one_likely_origin) {
    const std::vector<std::string> known{"number", "bind", "retries", "signal-timeout"};
    BOOST_TEST(did_you_mean("nubmer", known) == " (did you mean 'number'?)");
    BOOST_TEST(did_you_mean("Retrys", known) == " (did you mean 'retries'?)");
    BOOST_TEST(did_you_mean("signal_timeout", known) == " (did you mean 'signal-timeout'?)");
    BOOST_TEST(did_you_mean("bin", known) == " (did you mean 'bind'?)");
}

BOOST_AUTO_TEST_CASE(or_none) {
    const std::vector<std::string> known{"number", "bind"};
    BOOST_TEST(did_you_mean("", known) == "");
    BOOST_TEST(did_you_mean("x", known) == "");
    BOOST_TEST(did_you_mean("something-else", known) == "");
    BOOST_TEST(did_you_mean(std::string(1000, 'n'), known) == "");
    BOOST_TEST(did_you_mean("number", {}) == "");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace einhyrningsins::core
