// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/assert.hpp"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(assert_test)

BOOST_AUTO_TEST_CASE(an_assert_is_evaluated_in_every_build) {
    bool evaluated = false;
    assert(evaluated = true);
    BOOST_TEST(evaluated);
}

BOOST_AUTO_TEST_SUITE_END()
