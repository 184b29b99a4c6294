// SPDX-License-Identifier: GPL-3.0-or-later
#include "config/worker_environment.hpp"

#include "config/descriptor_name.hpp"

#include <algorithm>
#include <array>

namespace einhyrningsins::config {
namespace {

constexpr int first_descriptor = 3;

/// Variables for the master alone, or set again for workers.
constexpr std::array<std::string_view, 5> private_prefixes{
    "LISTEN_", "WATCHDOG_", "MEMORY_PRESSURE_", "EINHORN_", "SERVER_STARTER_"};
constexpr std::array<std::string_view, 3> private_names{"NOTIFY_SOCKET", "FDSTORE", "MAINPID"};

/// The names of firestarter's variables after the prefix, which the user may choose. Other
/// variables with that prefix are the user's own.
constexpr std::array<std::string_view, 5> firestarter_names{"_FD_COUNT", "_SOCK_PATH", "_SOCK_FD",
                                                            "_MASTER_PID", "_WATCH_FILE"};
constexpr std::string_view firestarter_prefix = "FIRESTARTER";

bool is_firestarter(std::string_view name, std::string_view prefix) {
    if (prefix.empty() || !name.starts_with(prefix)) return false;
    name.remove_prefix(prefix.size());
    if (std::ranges::find(firestarter_names, name) != firestarter_names.end()) return true;
    return name.starts_with("_FD_") && name.find_first_not_of("0123456789", 4) == name.npos;
}

bool is_private(std::string_view name, const environment_facts& facts) {
    return std::ranges::any_of(private_prefixes, [&](auto p) { return name.starts_with(p); }) ||
           std::ranges::find(private_names, name) != private_names.end() ||
           is_firestarter(name, firestarter_prefix) || is_firestarter(name, facts.variable_prefix);
}

using text_list = std::vector<std::string>;

std::string_view name_of(std::string_view entry) { return entry.substr(0, entry.find('=')); }

bool has(const text_list& all, std::string_view name) {
    return std::ranges::find(all, name, [](const auto& entry) { return name_of(entry); }) !=
           all.end();
}

text_list inherited(const environment_facts& facts) {
    text_list kept;
    for (const std::string& entry : facts.inherited) {
        std::string_view name = name_of(entry);
        if (!is_private(name, facts) && !has(facts.added, name) &&
            std::ranges::find(facts.dropped, name) == facts.dropped.end())
            kept.push_back(entry);
    }
    return kept;
}

/// Those that the master does not set itself. LISTEN_PID is always the master's.
text_list added(const environment_facts& facts, const text_list& own) {
    text_list kept;
    for (std::size_t i = facts.added.size(); i-- > 0;) {
        std::string_view name = name_of(facts.added[i]);
        if (name != "LISTEN_PID" && !has(own, name) && !has(kept, name))
            kept.insert(kept.begin(), facts.added[i]);
    }
    return kept;
}

void add_einhorn(text_list& to, const environment_facts& facts) {
    to.push_back("EINHORN_MASTER_PID=" + std::to_string(facts.master_pid));
    to.push_back("EINHORN_SOCK_PATH=" + facts.socket_path);
    if (facts.socket_as_fd)
        to.push_back("EINHORN_SOCK_FD=" +
                     std::to_string(first_descriptor + facts.listeners.size()));
    std::size_t unnamed = std::min(facts.server_words, facts.listeners.size());
    std::size_t count = facts.listeners.size() - unnamed;
    to.push_back("EINHORN_FD_COUNT=" + std::to_string(count));
    std::string all;
    for (std::size_t i = 0; i < count; ++i) {
        std::string fd = std::to_string(first_descriptor + unnamed + i);
        const std::string& family = facts.listeners[unnamed + i].family;
        to.push_back("EINHORN_FD_" + std::to_string(i) + "=" + fd);
        to.push_back("EINHORN_FD_FAMILY_" + std::to_string(i) + "=" + family);
        all += (i ? " " : "") + fd;
    }
    to.push_back("EINHORN_FDS=" + all);
    to.push_back("EINHORN_CHILD_INDEX=");
}

/// See sd_listen_fds(3).
void add_systemd(text_list& to, const environment_facts& facts) {
    std::string names;
    for (const listener_facts& one : facts.listeners)
        names += (names.empty() ? "" : ":") +
                 to_descriptor_name(one.name.empty() ? facts.group_name : one.name);
    to.push_back("LISTEN_FDS=" + std::to_string(facts.listeners.size()));
    to.push_back("LISTEN_PID=");
    to.push_back("LISTEN_FDNAMES=" + names);
}

/// See start_server(1). Sockets that its notation cannot express are left out.
void add_server_starter(text_list& to, const environment_facts& facts) {
    std::string ports;
    int fd = first_descriptor;
    for (const listener_facts& one : facts.listeners) {
        int number = fd++;
        if (one.server_starter_key.empty()) continue;
        ports += (ports.empty() ? "" : ";") + one.server_starter_key + "=" + std::to_string(number);
    }
    to.push_back("SERVER_STARTER_PORT=" + ports);
}

/// With the prefix EINHORN they would repeat the variables above.
void add_firestarter(text_list& to, const environment_facts& facts) {
    const std::string& prefix = facts.variable_prefix;
    if (prefix.empty() || prefix == "EINHORN") return;
    std::size_t count = facts.listeners.size();
    to.push_back(prefix + "_MASTER_PID=" + std::to_string(facts.master_pid));
    to.push_back(prefix + "_SOCK_PATH=" +
                 (facts.group_socket_path.empty() ? facts.socket_path : facts.group_socket_path));
    if (facts.socket_as_fd)
        to.push_back(prefix + "_SOCK_FD=" + std::to_string(first_descriptor + count));
    to.push_back(prefix + "_FD_COUNT=" + std::to_string(count));
    for (std::size_t i = 0; i < count; ++i)
        to.push_back(prefix + "_FD_" + std::to_string(i) + "=" +
                     std::to_string(first_descriptor + i));
}

text_list own_variables(const environment_facts& facts) {
    text_list own;
    add_einhorn(own, facts);
    if (!facts.listeners.empty()) {
        add_systemd(own, facts);
        add_server_starter(own, facts);
    }
    own.push_back("SERVER_STARTER_GENERATION=" + std::to_string(facts.generation));
    if (!facts.notify_address.empty()) own.push_back("NOTIFY_SOCKET=" + facts.notify_address);
    add_firestarter(own, facts);
    return own;
}

} // namespace

std::vector<std::string> worker_environment(const environment_facts& facts) {
    text_list own = own_variables(facts);
    text_list result = inherited(facts);
    for (const text_list& more : {added(facts, own), own})
        result.insert(result.end(), more.begin(), more.end());
    return result;
}

} // namespace einhyrningsins::config
