// SPDX-License-Identifier: GPL-3.0-or-later
#include "handoff/state.hpp"

#include <algorithm>
#include <set>

namespace einhyrningsins::handoff {
namespace {

constexpr int first_descriptor = 3; ///< after standard input, output and error

void each_descriptor_of(auto& one, auto visit) requires requires { one.asked; }
{
    visit(one.fd);
    for (auto& each : one.asked)
        if (each.control >= 0) visit(each.control);
}

/// The output pipes of helper programs of the group.
void each_output_of(auto& group, auto visit) {
    if (group.upgrader && group.upgrader->process && group.upgrader->process->output >= 0)
        visit(group.upgrader->process->output);
    if (group.stop_command && group.stop_command->output >= 0) visit(group.stop_command->output);
}

void each_descriptor_of(auto& logs, auto visit) requires requires { logs.streams; }
{
    for (auto& one : logs.files)
        if (one.fd >= 0) visit(one.fd);
    for (auto& one : logs.streams)
        visit(one.fd);
}

/// Calls `visit` for each descriptor, which may be modified unless `all` is const. Working
/// directories, which several recipes may share, are passed to `visit_directory` instead.
void each_descriptor_but_of_clients(auto& all, auto visit, auto visit_directory) {
    if (all.lock) visit(all.lock->fd);
    if (all.pidfile) visit(all.pidfile->fd);
    if (all.control) visit(all.control->fd);
    for (auto& one : all.groups) {
        for (auto& each : one.listeners)
            visit(each.fd);
        for (auto& each : one.old_listeners)
            visit(each.fd);
        for (auto& each : one.recipes)
            visit_directory(each.directory);
        if (one.notify) visit(one.notify->fd);
        if (one.control) visit(one.control->fd);
        for (auto& each : one.preloads)
            each_descriptor_of(each, visit);
        each_output_of(one, visit);
    }
    each_descriptor_of(all.logs, visit);
}

void each_descriptor(auto& all, auto visit, auto visit_directory) {
    each_descriptor_but_of_clients(all, visit, visit_directory);
    for (auto& one : all.connections)
        visit(one.fd);
}

bool has_connection(const state& all, int fd) {
    return std::ranges::find(all.connections, fd, &connection::fd) != all.connections.end();
}

std::string find_contradiction(const group& one) {
    if (one.settings.name.empty()) return ".settings.name is missing";
    if (one.settings.command.empty()) return ".settings.command is missing";
    if (auto what = core::find_contradiction(one.state); !what.empty()) return ".state: " + what;
    for (const recipe& each : one.recipes)
        if (each.program.empty() || each.arguments.empty()) return ".recipes: one has no program";
    if (one.upgrader && one.upgrader->process && one.upgrader->process->pid < 1)
        return ".upgrader.process.pid is missing";
    if (one.stop_command && one.stop_command->pid < 1) return ".stop_command.pid is missing";
    return {};
}

std::string find_contradiction(const model::logs_state& logs) {
    std::set<std::string> paths;
    for (const model::log_file_state& file : logs.files)
        if (!paths.insert(file.spec.path).second)
            return ".files: " + file.spec.path + " occurs twice";
    std::set<model::writer_id> writers;
    for (const model::stream_state& stream : logs.streams) {
        if (!paths.contains(stream.path))
            return ".streams: " + stream.path + " is not one of the files";
        bool good = stream.id > 0 && stream.id <= logs.last_id && writers.insert(stream.id).second;
        if (!good) return ".streams: the number " + std::to_string(stream.id) + " is wrong";
    }
    return {};
}

/// Each descriptor must be used only once and must not be 0, 1 or 2. -1 stands for something that
/// has to be opened again, which is impossible for clients and template processes, or for a
/// worker's output that this has ended and its last part is still to be written.
std::string find_wrong_descriptor(const state& all) {
    auto is_lost = [](const auto& one) { return one.fd < 0; };
    for (const group& one : all.groups)
        if (std::ranges::any_of(one.preloads, is_lost)) return ".preloads: one has no descriptor";
    if (std::ranges::any_of(all.connections, is_lost)) return ".connections: one has no descriptor";
    std::set<int> seen;
    for (int fd : descriptors(all))
        if (fd < first_descriptor || !seen.insert(fd).second)
            return ": descriptor " + std::to_string(fd) + " is used twice or reserved";
    return {};
}

std::string find_lost_client(const state& all) {
    auto is_lost = [&](const auto& one) { return !has_connection(all, one.fd); };
    if (std::ranges::any_of(all.watches, is_lost)) return ".watches: one has no connection";
    if (std::ranges::any_of(all.group_watches, is_lost))
        return ".group_watches: one has no connection";
    for (const request& one : all.requests)
        if (one.fd >= 0 && is_lost(one)) return ".requests: one has no connection";
    return {};
}

} // namespace

std::string find_contradiction(const state& all) {
    if (all.groups.empty()) return ".groups is empty";
    for (std::size_t place = 0; place < all.groups.size(); ++place)
        if (auto wrong = find_contradiction(all.groups[place]); !wrong.empty())
            return ".groups." + std::to_string(place) + wrong;
    if (auto wrong = find_contradiction(all.logs); !wrong.empty()) return ".logs" + wrong;
    if (auto wrong = find_wrong_descriptor(all); !wrong.empty()) return wrong;
    return find_lost_client(all);
}

std::vector<int> descriptors(const state& all) {
    std::vector<int> every;
    std::set<int> directories;
    auto add = [&](int fd) {
        if (fd != -1) every.push_back(fd);
    };
    each_descriptor(all, add, [&](int fd) {
        if (directories.insert(fd).second) add(fd);
    });
    return every;
}

void drop_impossible_clients(state& all) {
    std::set<int> used;
    auto use = [&](int fd) { used.insert(fd); };
    each_descriptor_but_of_clients(all, use, use);
    std::erase_if(all.connections, [&](const connection& one) {
        return one.fd < first_descriptor || !used.insert(one.fd).second;
    });
    auto is_lost = [&](const auto& one) { return !has_connection(all, one.fd); };
    std::erase_if(all.watches, is_lost);
    std::erase_if(all.group_watches, is_lost);
    for (request& one : all.requests)
        if (is_lost(one)) one.fd = -1;
}

void forget(state& all, const std::vector<int>& missing) {
    auto lose = [&](int& fd) {
        if (std::ranges::find(missing, fd) != missing.end()) fd = -1;
    };
    each_descriptor(all, lose, lose);
    drop_impossible_clients(all);
}

} // namespace einhyrningsins::handoff
