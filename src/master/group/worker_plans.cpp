// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/group/worker_plans.hpp"

#include "master/group/worker_recipe.hpp"

#include <algorithm>
#include <iterator>

namespace einhyrningsins::master {
namespace {

worker_plans::plan_result plan_from(os::result<os::spawn_recipe> recipe) {
    if (!recipe) return recipe.error();
    return os::spawn_plan::make(std::move(*recipe));
}

} // namespace

void worker_plans::begin(core::generation number) {
    plans_.insert_or_assign(number, plan_from(make_worker_recipe(of_, services_, number)));
}

const worker_plans::plan_result& worker_plans::of(core::generation number) {
    auto known = plans_.find(number);
    if (known == plans_.end() || !known->second) begin(number);
    return plans_.find(number)->second;
}

const std::optional<os::identity>& worker_plans::identity_of(core::generation number) const {
    static const std::optional<os::identity> own;
    auto known = plans_.find(number);
    return known == plans_.end() || !known->second ? own : known->second->recipe().identity;
}

std::vector<int> worker_plans::descriptors() const {
    std::vector<int> all;
    for (const auto& [number, plan] : plans_)
        if (plan) std::ranges::copy(plan->recipe().descriptors, std::back_inserter(all));
    return all;
}

std::optional<std::vector<int>> worker_plans::descriptors_of(core::generation number) const {
    auto known = plans_.find(number);
    if (known == plans_.end() || !known->second) return std::nullopt;
    return known->second->recipe().descriptors;
}

/// The last one stays: it is all there is to go by when a worker is needed again.
void worker_plans::forget_unneeded() {
    if (plans_.size() < 2) return;
    std::erase_if(plans_, [&](const auto& known) { return !of_.group.needs(known.first); });
}

void worker_plans::hand_over(handoff::group& into) const {
    for (const auto& [number, plan] : plans_)
        if (plan) into.recipes.push_back(hand_over_recipe(number, *plan));
}

void worker_plans::take_over(const handoff::recipe& from) {
    auto recipe = take_over_recipe(from, of_);
    if (recipe) plans_.insert_or_assign(from.generation, os::spawn_plan::make(std::move(*recipe)));
}

} // namespace einhyrningsins::master
