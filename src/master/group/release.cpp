// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/group/release.hpp"

#include <utility>

namespace einhyrningsins::master {

shared_release make_release(os::spawn_recipe recipe, listener_list listeners) {
    recipe.descriptors = descriptors_of(listeners);
    return std::make_shared<const release>(os::spawn_plan::make(std::move(recipe)),
                                           std::move(listeners));
}

os::spawn_recipe recipe_of(const release& from) {
    os::spawn_recipe recipe = from.plan.recipe();
    recipe.environment = from.plan.environment();
    return recipe;
}

handoff::recipe hand_over(core::generation number, const release& from) {
    return {recipe_of(from), number, from.plan.recipe().directory->get()};
}

} // namespace einhyrningsins::master
