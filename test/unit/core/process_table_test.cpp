// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/process_table.hpp"

#include <boost/test/unit_test.hpp>

namespace einhyrningsins::core {
namespace {

/// Three workers, #1 to #3, of the generations 1, 1 and 2; the first has the pid 101.
process_table three() {
    process_table table;
    for (std::uint64_t id : {1, 2, 3}) {
        worker& added = table.add(worker_id{id}, id == 3 ? 2 : 1, {});
        added.move_to(worker_state::spawning);
    }
    table.spawned(*table.find(worker_id{1}), 101, {});
    return table;
}

} // namespace

BOOST_AUTO_TEST_SUITE(core_process_table)

BOOST_AUTO_TEST_CASE(a_worker_is_found_by_its_id_and_by_its_pid) {
    process_table table = three();
    BOOST_TEST(table.find(worker_id{2})->index == 1U);
    BOOST_TEST(!table.find(worker_id{4}));
    BOOST_TEST(table.find(101) == table.find(worker_id{1}));
    BOOST_TEST(!table.find(0));
    BOOST_TEST(!table.find(102));
}

BOOST_AUTO_TEST_CASE(a_pid_is_forgotten_with_its_worker_and_may_be_used_again) {
    process_table table = three();
    BOOST_TEST(table.remove(worker_id{1}).pid == 101);
    BOOST_TEST(!table.find(101));
    table.spawned(*table.find(worker_id{2}), 101, {});
    BOOST_TEST((table.find(101)->id == worker_id{2}));
}

BOOST_AUTO_TEST_CASE(the_smallest_free_index_is_given) {
    process_table table = three();
    table.remove(worker_id{1});
    BOOST_TEST(table.add(worker_id{4}, 1, {}).index == 0U);
    BOOST_TEST(table.add(worker_id{5}, 1, {}).index == 3U);
}

BOOST_AUTO_TEST_CASE(it_is_made_from_records_in_any_order) {
    process_table table(std::vector<worker>{
        {.id = worker_id{9}, .state = worker_state::ready, .pid = 109},
        {.id = worker_id{2}, .state = worker_state::starting, .pid = 102},
    });
    BOOST_TEST((table.workers().front().id == worker_id{2}));
    BOOST_TEST((table.find(109)->id == worker_id{9}));
}

BOOST_AUTO_TEST_CASE(a_census) {
    process_table table = three();
    census all = table.count(std::nullopt);
    BOOST_TEST(all.existing == 3U);
    BOOST_TEST(all.fresh_active == 3U);
    BOOST_TEST(all.fresh_unacked == 3U);
    table.find(worker_id{1})->move_to(worker_state::ready);
    census upgrade = table.count(2);
    BOOST_TEST(upgrade.old_active == 2U);
    BOOST_TEST(upgrade.fresh_active == 1U);
    BOOST_TEST(table.capacity() == 1U);
    BOOST_TEST(table.unanswered() == 2U);
    table.find(worker_id{2})->dismiss(SIGTERM, haste::patient, {});
    BOOST_TEST(table.unanswered() == 2U);
    BOOST_TEST(table.count(2).old_active == 1U);
}

BOOST_AUTO_TEST_CASE(wanted_workers_are_dropped) {
    process_table table = three();
    table.add(worker_id{4}, 1, {});
    table.add(worker_id{5}, 2, {});
    table.drop_wanted(1);
    BOOST_TEST(!table.find(worker_id{4}));
    BOOST_TEST(table.find(worker_id{5}));
    table.drop_wanted();
    BOOST_TEST(table.workers().size() == 3U);
}

BOOST_AUTO_TEST_CASE(those_of_the_smallest_rank_are_chosen) {
    process_table table = three();
    auto chosen = table.choose(
        2, [](const worker& one) { return ~one.index; }, [](const worker&) { return true; });
    BOOST_TEST((chosen == std::vector{worker_id{3}, worker_id{2}}));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace einhyrningsins::core
