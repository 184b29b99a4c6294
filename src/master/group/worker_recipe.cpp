// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/group/worker_recipe.hpp"

#include "config/worker_environment.hpp"
#include "master/group/group_services.hpp"
#include "os/process.hpp"

#include <string_view>

namespace einhyrningsins::master {
namespace {

std::optional<handoff::identity> hand_over_identity(const std::optional<os::identity>& one) {
    if (!one) return std::nullopt;
    return handoff::identity{one->user, one->group, {one->groups.begin(), one->groups.end()}};
}

std::optional<os::identity> identity_from(const std::optional<handoff::identity>& from) {
    if (!from) return std::nullopt;
    return os::identity{from->user, from->group, {from->groups.begin(), from->groups.end()}};
}

/// Where its program is looked for: in the PATH that its workers get.
std::string search_path_of(const config::group_settings& wishes, const surroundings& around) {
    for (auto own = wishes.environment.rbegin(); own != wishes.environment.rend(); ++own)
        if (own->starts_with("PATH=")) return own->substr(5);
    return search_path(around.environment);
}

std::vector<std::string> make_environment(const group_context& of, const group_services& services,
                                          core::generation number) {
    const config::group_settings& settings = of.settings;
    config::environment_facts facts{.inherited = of.around.environment,
                                    .master_pid = of.around.master_pid,
                                    .socket_path = of.around.socket_path,
                                    .group_name = settings.name,
                                    .socket_as_fd = settings.command_socket_as_fd,
                                    .generation = number};
    facts.server_words = settings.server_words;
    facts.added = settings.environment;
    facts.variable_prefix = settings.variable_prefix;
    facts.group_socket_path = control_path(settings, of.around);
    if (number >= settings.drops_since) facts.dropped = settings.drop_variables;
    for (const auto& one : of.listeners.list())
        facts.listeners.push_back({one->open.family, one->open.name, one->open.server_starter_key});
    facts.notify_address = services.notify_address();
    return config::worker_environment(facts);
}

os::result<os::spawn_recipe> make_recipe(const group_context& of, const group_services& services,
                                         core::generation number,
                                         const std::vector<std::string>& words) {
    const config::group_settings& wishes = of.settings;
    auto directory = os::open_directory(directory_of(wishes, of.around));
    if (!directory) return directory.error();
    auto program =
        os::find_program(words[0], search_path_of(wishes, of.around), (*directory)->get());
    if (!program) return program.error();
    auto who = os::find_identity(wishes.user, wishes.group);
    if (!who) return who.error();
    os::spawn_recipe recipe{.program = std::move(*program),
                            .arguments = words,
                            .environment = make_environment(of, services, number),
                            .directory = std::move(*directory),
                            .descriptors = of.listeners.descriptors(),
                            .nice = wishes.worker_nice,
                            .die_with_parent = wishes.kill_children_on_exit,
                            .identity = std::move(*who)};
    return recipe;
}

/// What only a worker can use.
bool is_of_workers(std::string_view entry, const std::string& prefix) {
    auto begins = [&](const std::string& base, std::string_view rest) {
        return !base.empty() && entry.starts_with(base + std::string(rest));
    };
    for (const std::string& base : {std::string("EINHORN"), prefix})
        for (std::string_view rest :
             {"_FD_", "_FDS=", "_SOCK_FD=", "_CHILD_INDEX=", "_WATCH_FILE="})
            if (begins(base, rest)) return true;
    return entry.starts_with("LISTEN_") || entry.starts_with("NOTIFY_SOCKET=") ||
           entry.starts_with("SERVER_STARTER_PORT=");
}

} // namespace

os::result<std::string> find_program(const config::group_settings& wishes,
                                     const surroundings& around) {
    return os::find_program(wishes.command[0], search_path_of(wishes, around),
                            directory_of(wishes, around));
}

os::result<os::spawn_recipe> make_worker_recipe(const group_context& of,
                                                const group_services& services,
                                                core::generation number) {
    auto recipe = make_recipe(of, services, number, of.settings.command);
    if (!recipe) return recipe;
    recipe->indexed_entry = services.indexed_entry();
    if (!recipe->indexed_entry.empty()) recipe->environment.push_back(recipe->indexed_entry);
    return recipe;
}

os::result<os::spawn_recipe> make_helper_recipe(const group_context& of,
                                                const group_services& services,
                                                const std::vector<std::string>& words) {
    auto recipe = make_recipe(of, services, of.group.current().generation, words);
    if (!recipe) return recipe.error();
    recipe->descriptors.clear();
    std::erase_if(recipe->environment, [&](const std::string& entry) {
        return is_of_workers(entry, of.settings.variable_prefix);
    });
    return recipe;
}

handoff::recipe hand_over_recipe(core::generation number, const os::spawn_plan& plan) {
    const os::spawn_recipe& one = plan.recipe();
    return {.generation = number,
            .program = one.program,
            .arguments = one.arguments,
            .environment = plan.environment(),
            .directory = one.directory->get(),
            .nice = one.nice,
            .die_with_parent = one.die_with_parent,
            .descriptors = one.descriptors,
            .identity = hand_over_identity(one.identity),
            .indexed_entry = one.indexed_entry};
}

os::result<os::spawn_recipe> take_over_recipe(const handoff::recipe& from,
                                              const group_context& of) {
    os::spawn_recipe recipe{.program = from.program,
                            .arguments = from.arguments,
                            .environment = from.environment,
                            .directory = os::adopt_directory(from.directory),
                            .descriptors = from.descriptors,
                            .nice = from.nice,
                            .die_with_parent = from.die_with_parent,
                            .identity = identity_from(from.identity),
                            .indexed_entry = from.indexed_entry};
    // A state of an older program has none, and what was closed on the way may have other numbers.
    if (recipe.descriptors.empty() || !of.listeners.has(recipe.descriptors))
        recipe.descriptors = of.listeners.descriptors();
    if (!recipe.directory) {
        auto directory = os::open_directory(directory_of(of.settings, of.around));
        if (!directory) return directory.error();
        recipe.directory = std::move(*directory);
    }
    return recipe;
}

} // namespace einhyrningsins::master
