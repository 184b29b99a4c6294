// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/group/pid_table.hpp"

#include <boost/test/unit_test.hpp>

using einhyrningsins::master::group_runner;
using einhyrningsins::master::pid_table;

namespace {

/// The table only tells groups apart.
char places[2];
group_runner& web = reinterpret_cast<group_runner&>(places[0]);
group_runner& jobs = reinterpret_cast<group_runner&>(places[1]);

} // namespace

BOOST_AUTO_TEST_SUITE(pids)

BOOST_AUTO_TEST_CASE(a_worker_is_found_by_its_pid_until_it_ends) {
    pid_table table;
    for (int pid : {30, 10, 20})
        table.add(pid, pid == 20 ? jobs : web, 1000);
    BOOST_TEST(table.find(10).runner == &web);
    BOOST_TEST(table.find(20).runner == &jobs);
    BOOST_TEST(table.find(20).worker.pid == 20);
    BOOST_TEST(table.find(20).user == 1000U);
    BOOST_TEST(!table.find(15));
    BOOST_TEST(!table.find(31));
    table.remove(20);
    BOOST_TEST(!table.find(20));
    BOOST_TEST(table.find(30).runner == &web);
    table.remove(20);
    BOOST_TEST(table.find(30).runner == &web);
}

BOOST_AUTO_TEST_CASE(a_worker_with_the_pid_of_an_earlier_one_is_another) {
    pid_table table;
    table.add(10, web, 1000);
    auto first = table.find(10).worker;
    BOOST_TEST(bool{table.find(first)});
    table.remove(10);
    BOOST_TEST(!table.find(first));
    table.add(10, web, 1000);
    BOOST_TEST(!table.find(first));
    BOOST_TEST(bool{table.find(table.find(10).worker)});
}

BOOST_AUTO_TEST_CASE(the_workers_of_a_user_are_counted) {
    pid_table table;
    table.add(10, web, 1000);
    table.add(11, web, 1000);
    table.add(12, jobs, 2000);
    BOOST_TEST(table.workers_of(1000) == 2U);
    BOOST_TEST(table.workers_of(2000) == 1U);
    BOOST_TEST(table.workers_of(3000) == 0U);
    BOOST_TEST(!table.all_are_of(1000));
    table.add(11, jobs, 2000); // the same pid: the other one has ended
    BOOST_TEST(table.workers_of(1000) == 1U);
    BOOST_TEST(table.workers_of(2000) == 2U);
    table.remove_all(jobs);
    BOOST_TEST(table.workers_of(2000) == 0U);
    BOOST_TEST(!table.find(12));
    BOOST_TEST(table.find(10).runner == &web);
    BOOST_TEST(table.all_are_of(1000));
    BOOST_TEST(!table.all_are_of(2000));
}

BOOST_AUTO_TEST_CASE(nobody_has_no_worker) {
    pid_table table;
    BOOST_TEST(!table.find(0));
    BOOST_TEST(!table.find({}));
    BOOST_TEST(table.all_are_of(1000));
}

BOOST_AUTO_TEST_SUITE_END()
