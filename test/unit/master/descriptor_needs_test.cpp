// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/descriptor_needs.hpp"

#include <boost/test/unit_test.hpp>

namespace einhyrningsins::master {
namespace {

handoff::state with_groups(const std::vector<config::group_settings>& groups) {
    handoff::state all;
    for (const config::group_settings& each : groups)
        all.groups.push_back({.settings = each});
    return all;
}

config::group_settings group(unsigned workers) {
    config::group_settings made{.name = "web"};
    made.policy.number = workers;
    return made;
}

/// The lowest limit about which nobody complains.
std::size_t needs(const std::vector<config::group_settings>& groups, std::size_t used = 6) {
    std::size_t limit = 0;
    while (why_too_few_descriptors(with_groups(groups), used, limit))
        ++limit;
    return limit;
}

std::size_t needs(const config::group_settings& one) { return needs(std::vector{one}); }

} // namespace

BOOST_AUTO_TEST_SUITE(master_descriptor_needs)

BOOST_AUTO_TEST_CASE(workers_alone_need_none) {
    BOOST_TEST(needs(group(1)) == 23U);
    BOOST_TEST(needs(group(10'000)) == 23U);
    BOOST_TEST(needs({group(1), group(1)}) == 24U);
    BOOST_TEST(needs({group(1)}, 100) == 117U);
}

BOOST_AUTO_TEST_CASE(what_each_worker_needs) {
    config::group_settings one = group(24);
    std::size_t before = needs(one);
    one.command_socket_as_fd = true;
    BOOST_TEST(needs(one) == before + 24);
    one.stdout_log = *config::parse_log_spec("size:1:1:/log/a");
    BOOST_TEST(needs(one) == before + 2 * 24 + 3);
    one.stderr_log = one.stdout_log;
    BOOST_TEST(needs(one) == before + 3 * 24 + 3, "into one file by two pipes");
    one.stderr_log = *config::parse_log_spec("size:1:1:/log/b");
    BOOST_TEST(needs(one) == before + 3 * 24 + 4);
}

BOOST_AUTO_TEST_CASE(what_a_group_needs) {
    config::group_settings one = group(3);
    std::size_t before = needs(one);
    one.listeners = {*config::parse_bind_spec("127.0.0.1:1"), *config::parse_bind_spec("/tmp/a")};
    BOOST_TEST(needs(one) == before + 2);
    one.control_socket = "/tmp/c";
    one.preload = "/lib/p.so";
    one.policy.ack = core::ack_notify{};
    BOOST_TEST(needs(one) == before + 5);
}

BOOST_AUTO_TEST_CASE(the_line_names_the_number_and_how_to_raise_it) {
    BOOST_TEST(why_too_few_descriptors(with_groups({group(1)}), 6, 20).value() ==
               "open files: at least 23 are needed for 1 worker, their logs and a client, but the "
               "hard limit is 20; raise it (ulimit -Hn, or LimitNOFILE= of systemd)");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace einhyrningsins::master
