// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/completion.hpp"

#include "os/credentials.hpp"
#include "os/socket_address.hpp"
#include "os/unix_socket.hpp"

#include <cstddef>

namespace einhyrningsins::master {
namespace {

/// An older program did not tell what its listeners were opened for.
void complete_listeners(handoff::group& of) {
    if (of.listeners.size() != of.settings.listeners.size()) return;
    for (std::size_t place = 0; place < of.listeners.size(); ++place)
        if (!of.listeners[place].spec)
            of.listeners[place].spec = {of.settings.listeners[place], of.settings.family};
}

/// einhorn's state has just the descriptors.
void complete_from_system(handoff::listener& listener) {
    if (!listener.family.empty()) return;
    auto known = os::local_address(listener.fd);
    listener.address = known ? known->text : listener.spec ? listener.spec->spec.text : "";
    if (!known) return;
    listener.family = known->family;
    listener.server_starter_key = known->server_starter_key;
}

void complete_from_system(handoff::connection& client) {
    if (client.pid != 0) return;
    if (auto peer = os::peer_of(client.fd)) static_cast<model::peer&>(client) = std::move(*peer);
}

} // namespace

void complete(handoff::state& from) {
    for (handoff::group& group : from.groups) {
        complete_listeners(group);
        for (handoff::listener& listener : group.listeners)
            complete_from_system(listener);
    }
    for (handoff::connection& client : from.connections)
        complete_from_system(client);
    if (from.control && from.control->file.inode == 0)
        if (auto file = os::find_socket_file(from.control->file.path)) from.control->file = *file;
}

} // namespace einhyrningsins::master
