// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/group/releases.hpp"

#include "master/group/worker_recipe.hpp"

#include <algorithm>

namespace einhyrningsins::master {

releases::releases(const group_context& of, const group_services& services,
                   const handoff::group& from)
    : of_(of),
      services_(services) {
    listener_list open = of.listeners;
    std::ranges::move(take_over_old_listeners(from, *of.around.files), std::back_inserter(open));
    for (const handoff::recipe& each : from.recipes)
        all_.insert_or_assign(each.generation, resume(each, open));
}

/// What it lacks is taken from the group as it is now. A state of an older program has no
/// descriptors there, and those that were closed on the way may have other numbers.
releases::entry releases::resume(const handoff::recipe& from, const listener_list& open) const {
    os::spawn_recipe recipe{from, os::adopt_directory(from.directory)};
    if (!recipe.directory) {
        auto directory = os::open_directory(directory_of(of_.settings, of_.around));
        if (!directory) return directory.error();
        recipe.directory = std::move(*directory);
    }
    auto listeners = with_descriptors(open, from.descriptors);
    return make_release(std::move(recipe), listeners.empty() ? of_.listeners : listeners);
}

const releases::entry& releases::begin(core::generation number) {
    auto recipe = make_worker_recipe(of_, services_, number);
    entry made = recipe ? entry(make_release(std::move(*recipe), of_.listeners)) : recipe.error();
    return all_.insert_or_assign(number, std::move(made)).first->second;
}

const releases::entry& releases::of(core::generation number) {
    auto known = all_.find(number);
    return known != all_.end() && known->second ? known->second : begin(number);
}

shared_release releases::find(core::generation number) const {
    auto known = all_.find(number);
    return known != all_.end() && known->second ? *known->second : nullptr;
}

bool releases::run_as_another() const {
    return std::ranges::any_of(all_, [](const auto& known) {
        return known.second && runs_as_another((*known.second)->plan.recipe().identity);
    });
}

listener_list releases::old_listeners() const {
    listener_list old;
    for (const auto& [number, known] : all_)
        if (known)
            for (const shared_listener& each : (*known)->listeners)
                if (!has(of_.listeners, each) && !has(old, each)) old.push_back(each);
    return old;
}

/// The last one stays: it is all there is to go by when a worker is needed again.
void releases::forget_unneeded() {
    if (all_.size() < 2) return;
    std::erase_if(all_, [&](const auto& known) { return !of_.group.needs(known.first); });
}

void releases::hand_over(handoff::group& into) const {
    for (const auto& [number, known] : all_)
        if (known) into.recipes.push_back(master::hand_over(number, **known));
    into.old_listeners = master::hand_over(old_listeners());
}

} // namespace einhyrningsins::master
