// SPDX-License-Identifier: GPL-3.0-or-later
#include "world/worker.hpp"

#include "world/client.hpp"

#include <csignal>
#include <cstddef>

#include <sys/un.h>

namespace einhyrningsins::world {
namespace {

/// Connects, says so, and leaves the connection to the master, which closes it.
void ack_by_socket(kernel& system, const process_ptr& worker, instant hesitates) {
    auto at_socket = std::make_shared<client>(system, worker);
    if (!at_socket->connect(worker->variable("EINHORN_SOCK_PATH"))) return;
    auto speak = [at_socket, &system, pid = worker->pid] {
        at_socket->send("{\"command\":\"worker:ack\",\"pid\":" + std::to_string(pid) + "}\n");
        system.after(std::chrono::milliseconds(50), [at_socket] { at_socket->shut(); });
    };
    if (hesitates == instant(0)) return speak();
    system.after(hesitates, speak);
}

void ack_by_notify(kernel& system, const process_ptr& worker) {
    std::string address = worker->variable("NOTIFY_SOCKET"); // "@name"
    sa_family_t family = AF_UNIX;
    std::string name(reinterpret_cast<const char*>(&family), sizeof family);
    if (address.empty()) return;
    name += '\0' + address.substr(1);
    auto there = std::dynamic_pointer_cast<socket>(system.names()[name].lock());
    if (there) there->deliver({"READY=1\n", system.credentials_of(*worker)});
}

void ack(kernel& system, const process_ptr& worker, const worker_plan& plan) {
    using enum worker_plan::ack_kind;
    if (plan.ack == by_socket) ack_by_socket(system, worker, plan.hesitates);
    if (plan.ack == by_notify) ack_by_notify(system, worker);
}

void write_lines(kernel& system, const process_ptr& worker, instant pause) {
    system.after(pause, worker, [&system, worker, pause] {
        if (auto out = system.file_of(*worker, 1)) out->write("a line of some length\n");
        write_lines(system, worker, pause);
    });
}

std::string watch_file(const process& worker) {
    constexpr std::string_view name = "_WATCH_FILE=";
    for (const std::string& each : worker.environment)
        if (auto at = each.find(name); at != each.npos) return each.substr(at + name.size());
    return {};
}

void touch(kernel& system, const process_ptr& worker, const std::string& path, instant pause) {
    system.after(pause, worker, [=, &system] {
        if (auto file = system.files().at(path)) file->changed_at = system.wall();
        touch(system, worker, path, pause);
    });
}

} // namespace

void begin_worker(kernel& system, const process_ptr& worker, const worker_plan& plan) {
    system.after(plan.acks_after, worker, [&system, worker, plan] { ack(system, worker, plan); });
    if (plan.writes_every) write_lines(system, worker, *plan.writes_every);
    if (auto path = watch_file(*worker); !path.empty())
        touch(system, worker, path, plan.touches_every);
    if (plan.dies_after)
        system.after(*plan.dies_after, worker,
                     [&system, worker, status = plan.death] { system.end(worker, status); });
    worker->on_signal = [&system, plan, number = worker->number, pid = worker->pid](int signal) {
        if (signal != SIGTERM && signal != SIGUSR2 && signal != SIGINT) return false;
        auto self = system.find(pid);
        if (plan.exits_after && self && self->number == number)
            system.after(*plan.exits_after, self, [&system, self] { system.exit(self, 0); });
        return true;
    };
}

} // namespace einhyrningsins::world
