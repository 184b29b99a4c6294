// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/group/listeners.hpp"

#include "master/logging.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

namespace einhyrningsins::master {
namespace {

using core::severity;
using model::listener_spec;

shared_listener make_listener(os::opened_listener open, socket_files& files) {
    std::shared_ptr<const model::socket_file> file;
    if (auto made = std::exchange(open.facts.file, {})) file = files.share(*made);
    return std::make_shared<const listener>(std::move(open.fd), std::move(open.facts),
                                            std::move(file));
}

/// Names the listener once: errors about a path begin with it.
std::string complaint(const config::bind_spec& spec, const os::os_error& error) {
    std::string message = error.message();
    return message.starts_with(spec.text) ? message : spec.text + ": " + message;
}

/// Other descriptors for the same sockets, so that each belongs to one group and has the name that
/// its SPEC there gives it.
os::result<listener_list> duplicate(const listener_list& from, const listener_spec& wanted) {
    listener_list copies;
    for (const shared_listener& original : from) {
        auto fd = os::duplicate(original->fd.get());
        if (!fd) return fd.error();
        model::listener facts = original->facts;
        if (facts.spec != wanted) facts.name = wanted.spec.name;
        facts.spec = wanted;
        copies.push_back(
            std::make_shared<const listener>(std::move(*fd), std::move(facts), original->file));
    }
    return copies;
}

/// Takes out of `pool` those that `is_meant` accepts. One SPEC is one listener, except for
/// systemd's.
listener_list take_if(listener_list& pool, const listener_spec& wanted, auto is_meant) {
    listener_list taken;
    bool several = std::holds_alternative<config::systemd_socket>(wanted.spec.address);
    std::erase_if(pool, [&](const shared_listener& candidate) {
        bool take = (several || taken.empty()) && is_meant(candidate->facts.spec);
        if (take) taken.push_back(candidate);
        return take;
    });
    return taken;
}

/// Takes out what was opened for the same SPEC, else what is bound to the same address.
listener_list take(listener_list& pool, const listener_spec& wanted) {
    using known = std::optional<listener_spec>;
    auto same = take_if(pool, wanted, [&](const known& spec) { return spec == wanted; });
    std::string place = place_of(wanted);
    if (!same.empty() || place.empty()) return same;
    return take_if(pool, wanted,
                   [&](const known& spec) { return spec && place_of(*spec) == place; });
}

/// Which of our listeners has the port of a SPEC, at another address.
std::string who_is_in_the_way(const config::bind_spec& spec, const listener_list& ours) {
    auto* wanted = std::get_if<config::inet_address>(&spec.address);
    if (!wanted) return "";
    std::string port = ":" + std::to_string(wanted->port);
    for (const shared_listener& open : ours)
        if (open->facts.address.ends_with(port))
            return "; this master has it open as " + open->facts.address +
                   ": take that out of the file first";
    return "";
}

os::result<listener_list> bind(const listener_spec& wanted, int backlog, const os::look_ups& names,
                               socket_files& files) {
    auto opened = os::open_listener(wanted.spec, wanted.family, backlog, names);
    if (!opened) return opened.error();
    listener_list all;
    for (os::opened_listener& open : *opened)
        all.push_back(make_listener(std::move(open), files));
    return all;
}

/// What is open already in the group itself, else what another group has released, else a new one.
os::result<listener_list> find_or_bind(const listener_spec& wanted, int backlog, listener_list& own,
                                       listener_list& released, const os::look_ups& names,
                                       socket_files& files) {
    auto known = take(own, wanted);
    if (!known.empty() && known.front()->facts.spec == wanted) return known;
    if (known.empty()) known = take(released, wanted);
    if (!known.empty()) return duplicate(known, wanted);
    return bind(wanted, backlog, names, files);
}

/// The SPEC of a listener that was open at `address`, with that address and port in place of a
/// host's name and of port 0: it comes back where its clients know it, and no name server is asked.
config::bind_spec at_address(config::bind_spec spec, std::string_view address) {
    auto* inet = std::get_if<config::inet_address>(&spec.address);
    std::size_t colon = address.rfind(':');
    if (!inet || colon == std::string_view::npos) return spec;
    std::string_view host = address.substr(0, colon), port = address.substr(colon + 1);
    std::from_chars(port.data(), port.data() + port.size(), inet->port);
    host.remove_prefix(host.find(' ') + 1); // "udp "
    if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
    if (!inet->host.empty()) inet->host = host;
    return spec;
}

/// A listener whose descriptor was closed by a wrapper during a reload. Owners of files are looked
/// up at once: the loop has not begun yet.
shared_listener bind_again(const handoff::group& from, const model::listener& lost,
                           socket_files& files) {
    const config::group_settings& settings = from.settings;
    auto is_lost = [&](const config::bind_spec& spec) {
        return lost.spec == listener_spec{spec, settings.family};
    };
    if (std::ranges::none_of(settings.listeners, is_lost)) return nullptr;
    config::bind_spec spec = at_address(lost.spec->spec, lost.address);
    os::look_ups names;
    names.add(os::queries_of(spec, lost.spec->family));
    auto opened = os::open_listener(spec, lost.spec->family, settings.backlog, names);
    if (!opened || opened->size() != 1) return nullptr;
    opened->front().facts.spec = lost.spec;
    return make_listener(std::move(opened->front()), files);
}

shared_listener take_over(const model::listener& open, socket_files& files) {
    model::listener facts = open;
    facts.fd = -1;
    auto file = std::exchange(facts.file, {});
    return std::make_shared<const listener>(os::unique_fd(open.fd), std::move(facts),
                                            file ? files.share(*file) : nullptr);
}

shared_listener replace_lost(const handoff::group& from, const model::listener& lost,
                             socket_files& files) {
    shared_listener again = bind_again(from, lost, files);
    log(again ? severity::warning : severity::error, from.settings.name,
        "the listener " + lost.address + " was closed during the reload" +
            (again ? "; it was bound again" : " and cannot be bound again: restart to have it"));
    return again;
}

} // namespace

listener_list take_over_listeners(const handoff::group& from, socket_files& files) {
    listener_list taken;
    for (const model::listener& each : from.listeners)
        if (auto one = each.fd >= 0 ? take_over(each, files) : replace_lost(from, each, files))
            taken.push_back(std::move(one));
    return taken;
}

listener_list take_over_old_listeners(const handoff::group& from, socket_files& files) {
    listener_list taken;
    for (const model::listener& each : from.old_listeners)
        if (each.fd >= 0) taken.push_back(take_over(each, files));
    return taken;
}

std::vector<model::listener> hand_over(const listener_list& open) {
    std::vector<model::listener> into;
    for (const shared_listener& each : open) {
        into.push_back(each->facts);
        into.back().fd = each->fd.get();
        if (each->file) into.back().file = *each->file;
    }
    return into;
}

boost::system::result<listener_list, std::string>
open_listeners(const config::group_settings& settings, listener_list own, listener_list& released,
               const os::look_ups& names, socket_files& files) {
    using answer = boost::system::result<listener_list, std::string>;
    listener_list opened;
    listener_list before = own;
    before.insert(before.end(), released.begin(), released.end());
    for (const config::bind_spec& spec : settings.listeners) {
        auto found =
            find_or_bind({spec, settings.family}, settings.backlog, own, released, names, files);
        if (!found)
            return answer(boost::system::in_place_error,
                          complaint(spec, found.error()) + who_is_in_the_way(spec, before));
        std::ranges::copy(*found, std::back_inserter(opened));
    }
    return opened;
}

std::vector<os::any_query> queries_of(const config::group_settings& settings, listener_list own,
                                      listener_list& released) {
    std::vector<os::any_query> wanted;
    for (const config::bind_spec& spec : settings.listeners) {
        listener_spec listener{spec, settings.family};
        bool is_open = !take(own, listener).empty() || !take(released, listener).empty();
        for (os::any_query& query : os::queries_of(spec, settings.family))
            if (!is_open || !std::holds_alternative<os::query::host>(query))
                wanted.push_back(std::move(query));
    }
    return wanted;
}

listener_list released_by(const config::group_settings& settings, listener_list open) {
    for (const config::bind_spec& spec : settings.listeners)
        take(open, {spec, settings.family});
    return open;
}

std::vector<std::string> change_options(const listener_list& open,
                                        const config::group_settings& settings,
                                        const os::look_ups& names) {
    std::vector<std::string> errors;
    for (const config::bind_spec& spec : settings.listeners)
        for (const shared_listener& each : open) {
            if (each->facts.spec != listener_spec{spec, settings.family}) continue;
            auto done =
                os::change_options(each->fd.get(), each->file.get(), spec, settings.backlog, names);
            if (!done) errors.push_back(each->facts.address + ": " + done.error().message());
        }
    return errors;
}

bool has(const listener_list& list, const shared_listener& listener) {
    return std::ranges::find(list, listener) != list.end();
}

std::vector<int> descriptors_of(const listener_list& list) {
    std::vector<int> all;
    for (const shared_listener& each : list)
        all.push_back(each->fd.get());
    return all;
}

listener_list with_descriptors(const listener_list& list, const std::vector<int>& descriptors) {
    listener_list found;
    for (int fd : descriptors)
        for (const shared_listener& each : list)
            if (each->fd.get() == fd) found.push_back(each);
    return found.size() == descriptors.size() ? found : listener_list();
}

} // namespace einhyrningsins::master
