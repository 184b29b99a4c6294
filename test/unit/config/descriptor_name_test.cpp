// SPDX-License-Identifier: GPL-3.0-or-later
#include "config/descriptor_name.hpp"

#include <boost/test/unit_test.hpp>

namespace einhyrningsins::config {

BOOST_AUTO_TEST_SUITE(config_descriptor_name)

BOOST_AUTO_TEST_CASE(what_listen_fdnames_can_carry) {
    for (const char* name : {"http", "a", "a.b-c_d=e", "!~"})
        BOOST_TEST(is_descriptor_name(name), name);
    for (const char* name : {"", "a:b", "a b", "a\tb", "\x7f", "\303\266"})
        BOOST_TEST(!is_descriptor_name(name), name);
    BOOST_TEST(is_descriptor_name(std::string(255, 'x')));
    BOOST_TEST(!is_descriptor_name(std::string(256, 'x')));
}

BOOST_AUTO_TEST_CASE(any_name_can_be_made_valid) {
    BOOST_TEST(to_descriptor_name("http") == "http");
    BOOST_TEST(to_descriptor_name("my app:1\n") == "my_app_1_");
    BOOST_TEST(to_descriptor_name("\303\266") == "__");
    BOOST_TEST(to_descriptor_name("") == "_");
    BOOST_TEST(to_descriptor_name(std::string(300, ':')) == std::string(255, '_'));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace einhyrningsins::config
