// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/group/worker_recipe.hpp"

#include "config/worker_environment.hpp"
#include "master/group/group_services.hpp"
#include "os/credentials.hpp"
#include "os/own_process.hpp"

#include <string_view>

namespace einhyrningsins::master {
namespace {

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
    for (const auto& one : of.listeners)
        facts.listeners.push_back(
            {one->facts.family, one->facts.name, one->facts.server_starter_key});
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
    return os::spawn_recipe{{.program = std::move(*program),
                             .arguments = words,
                             .environment = make_environment(of, services, number),
                             .nice = wishes.worker_nice,
                             .die_with_parent = wishes.kill_children_on_exit,
                             .identity = of.identity},
                            std::move(*directory)};
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

os::query::program program_query(const config::group_settings& wishes, const surroundings& around) {
    return {wishes.command[0], search_path_of(wishes, around), directory_of(wishes, around)};
}

os::query::account account_query(const config::group_settings& wishes) {
    return {wishes.user, wishes.group};
}

os::result<std::string> find_program(const config::group_settings& wishes,
                                     const surroundings& around) {
    auto wanted = program_query(wishes, around);
    return os::find_program(wanted.name, wanted.search_path, wanted.directory);
}

bool runs_as_another(const std::optional<os::identity>& who) {
    return who && who->user != os::own_user();
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
    std::erase_if(recipe->environment, [&](const std::string& entry) {
        return is_of_workers(entry, of.settings.variable_prefix);
    });
    return recipe;
}

} // namespace einhyrningsins::master
