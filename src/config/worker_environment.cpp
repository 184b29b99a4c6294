// SPDX-License-Identifier: GPL-3.0-or-later
#include "config/worker_environment.hpp"

#include "config/descriptor_name.hpp"

#include <algorithm>
#include <array>

namespace einhyrningsins::config {
namespace {

constexpr int first_descriptor = 3;

/// Meant for the master alone, or about to be set anew.
constexpr std::array<std::string_view, 5> private_prefixes{
    "LISTEN_", "WATCHDOG_", "MEMORY_PRESSURE_", "EINHORN_", "SERVER_STARTER_"};
constexpr std::array<std::string_view, 3> private_names{"NOTIFY_SOCKET", "FDSTORE", "MAINPID"};

bool is_private(std::string_view name) {
    return std::ranges::any_of(private_prefixes, [&](auto p) { return name.starts_with(p); }) ||
           std::ranges::find(private_names, name) != private_names.end();
}

using text_list = std::vector<std::string>;

text_list inherited(const environment_facts& facts) {
    text_list kept;
    for (const std::string& entry : facts.inherited) {
        std::string_view name = std::string_view(entry).substr(0, entry.find('='));
        if (!is_private(name) && std::ranges::find(facts.dropped, name) == facts.dropped.end())
            kept.push_back(entry);
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

/// See start_server(1). Sockets that have no place in its notation are left out.
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

} // namespace

std::vector<std::string> worker_environment(const environment_facts& facts) {
    text_list result = inherited(facts);
    add_einhorn(result, facts);
    if (!facts.listeners.empty()) {
        add_systemd(result, facts);
        add_server_starter(result, facts);
    }
    result.push_back("SERVER_STARTER_GENERATION=" + std::to_string(facts.generation));
    if (!facts.notify_address.empty()) result.push_back("NOTIFY_SOCKET=" + facts.notify_address);
    return result;
}

} // namespace einhyrningsins::config
