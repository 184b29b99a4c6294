// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/group/listener_set.hpp"

#include "master/logging.hpp"

#include <algorithm>
#include <utility>

namespace einhyrningsins::master {
namespace {

using core::severity;
using shared = std::shared_ptr<const listener>;

std::shared_ptr<const os::socket_file> guard(os::socket_file file) {
    return {new os::socket_file(std::move(file)), [](const os::socket_file* it) {
                os::remove_socket_file(*it);
                delete it;
            }};
}

shared make_listener(os::opened_listener open, std::string wish) {
    std::shared_ptr<const os::socket_file> file;
    if (open.file) file = guard(std::move(*std::exchange(open.file, std::nullopt)));
    return std::make_shared<const listener>(std::move(open), std::move(file), std::move(wish));
}

/// Names the listener once: what is wrong with a path begins with it.
std::string complaint(const config::bind_spec& spec, const os::os_error& error) {
    std::string message = error.message();
    return message.starts_with(spec.text) ? message : spec.text + ": " + message;
}

/// Other descriptors for the same sockets, so that each belongs to one group, and has the name that
/// it has there.
os::result<listener_set::list_type> duplicate(const listener_set::list_type& from,
                                              const config::bind_spec& spec,
                                              const std::string& wish) {
    listener_set::list_type copies;
    for (const shared& one : from) {
        auto fd = os::duplicate(one->open.fd.get());
        if (!fd) return fd.error();
        const os::opened_listener& old = one->open;
        os::opened_listener open{std::move(*fd),
                                 old.address,
                                 old.family,
                                 old.server_starter_key,
                                 one->wish == wish ? old.name : spec.name,
                                 {}};
        copies.push_back(std::make_shared<const listener>(std::move(open), one->file, wish));
    }
    return copies;
}

constexpr const char *only_v4 = " -4", *only_v6 = " -6";

/// The same for the same address, whatever the options are; empty: nothing is the same.
std::string place_of_wish(const std::string& wish) {
    bool limited = wish.ends_with(only_v4) || wish.ends_with(only_v6);
    std::string family = limited ? wish.substr(wish.size() - 3) : "";
    auto spec = config::parse_bind_spec(wish.substr(0, wish.size() - family.size()));
    std::string place = spec ? place_of(*spec) : "";
    return place.empty() ? place : place + family;
}

/// Takes out of `pool` what `is_meant`. One SPEC is one listener, but for systemd's.
listener_set::list_type take(listener_set::list_type& pool, const config::bind_spec& spec,
                             auto is_meant) {
    listener_set::list_type taken;
    bool several = std::holds_alternative<config::systemd_socket>(spec.address);
    std::erase_if(pool, [&](const shared& one) {
        bool wanted = (several || taken.empty()) && is_meant(*one);
        if (wanted) taken.push_back(one);
        return wanted;
    });
    return taken;
}

/// What was opened for that wish; else what has the same address.
listener_set::list_type take(listener_set::list_type& pool, const config::bind_spec& spec,
                             const std::string& wish) {
    auto same = take(pool, spec, [&](const listener& one) { return one.wish == wish; });
    std::string place = place_of_wish(wish);
    if (!same.empty() || place.empty()) return same;
    return take(pool, spec, [&](const listener& one) { return place_of_wish(one.wish) == place; });
}

/// Who of ours is in the way of a SPEC that has the same port by another address.
std::string who_is_in_the_way(const config::bind_spec& spec, const listener_set::list_type& ours) {
    auto* wanted = std::get_if<config::inet_address>(&spec.address);
    if (!wanted) return "";
    std::string port = ":" + std::to_string(wanted->port);
    for (const shared& one : ours)
        if (one->open.address.ends_with(port))
            return "; this master has it open as " + one->open.address +
                   ": take that out of the file first";
    return "";
}

os::result<listener_set::list_type> bind(const config::bind_spec& spec,
                                         const config::group_settings& wishes) {
    auto opened = os::open_listener(spec, wishes.family, wishes.backlog);
    if (!opened) return opened.error();
    listener_set::list_type all;
    for (os::opened_listener& one : *opened)
        all.push_back(make_listener(std::move(one), wish_of(spec, wishes.family)));
    return all;
}

/// A listener whose descriptor was closed by a wrapper on the way.
shared bind_again(const handoff::group& from, const handoff::listener& lost) {
    const config::group_settings& wishes = from.settings;
    auto spec = std::ranges::find_if(wishes.listeners, [&](const config::bind_spec& one) {
        return wish_of(one, wishes.family) == lost.spec;
    });
    if (spec == wishes.listeners.end()) return nullptr;
    auto opened = bind(*spec, wishes);
    return opened && opened->size() == 1 ? opened->front() : nullptr;
}

shared take_over_one(const handoff::group& from, const handoff::listener& one) {
    if (one.fd >= 0) {
        os::opened_listener open{os::unique_fd(one.fd),  one.address, one.family,
                                 one.server_starter_key, one.name,    {}};
        if (one.file)
            open.file = os::socket_file{one.file->path, one.file->device, one.file->inode};
        return make_listener(std::move(open), one.spec);
    }
    shared again = bind_again(from, one);
    log(again ? severity::warning : severity::error, from.settings.name,
        "the listener " + one.address + " was closed during the reload" +
            (again ? "; it was bound again" : " and cannot be bound again: restart to have it"));
    return again;
}

handoff::listener hand_over_one(const listener& one) {
    handoff::listener into{.fd = one.open.fd.get(),
                           .address = one.open.address,
                           .family = one.open.family,
                           .server_starter_key = one.open.server_starter_key,
                           .name = one.open.name,
                           .spec = one.wish};
    if (one.file)
        into.file = handoff::socket_file{one.file->path, one.file->device, one.file->inode};
    return into;
}

} // namespace

std::string wish_of(const config::bind_spec& spec, config::ip_family family) {
    if (family == config::ip_family::any) return spec.text;
    return spec.text + (family == config::ip_family::v4 ? only_v4 : only_v6);
}

listener_set::opened listener_set::open(const config::group_settings& wishes,
                                        const listener_set& own, list_type& released) {
    listener_set made;
    list_type before = own.current_;
    before.insert(before.end(), own.old_.begin(), own.old_.end());
    list_type ours = before;
    ours.insert(ours.end(), released.begin(), released.end());
    for (const config::bind_spec& spec : wishes.listeners) {
        std::string wish = wish_of(spec, wishes.family);
        os::result<list_type> some = take(before, spec, wish);
        if (!some->empty() && some->front()->wish != wish) some = duplicate(*some, spec, wish);
        if (some && some->empty()) some = duplicate(take(released, spec, wish), spec, wish);
        if (some && some->empty()) some = bind(spec, wishes);
        if (!some)
            return opened(boost::system::in_place_error,
                          complaint(spec, some.error()) + who_is_in_the_way(spec, ours));
        std::ranges::copy(*some, std::back_inserter(made.current_));
    }
    return made;
}

listener_set::list_type listener_set::released_by(const config::group_settings& wishes) const {
    list_type left = current_;
    for (const config::bind_spec& spec : wishes.listeners)
        take(left, spec, wish_of(spec, wishes.family));
    return left;
}

listener_set listener_set::take_over(const handoff::group& from) {
    listener_set made;
    for (const handoff::listener& one : from.listeners)
        if (shared taken = take_over_one(from, one)) made.current_.push_back(std::move(taken));
    for (const handoff::listener& one : from.old_listeners)
        if (one.fd >= 0) made.old_.push_back(take_over_one(from, one));
    return made;
}

/// The file of an old listener may have passed to another group.
void listener_set::hand_over(handoff::group& into) const {
    for (const shared& one : current_)
        into.listeners.push_back(hand_over_one(*one));
    for (const shared& one : old_) {
        into.old_listeners.push_back(hand_over_one(*one));
        if (one->file.use_count() > 1) into.old_listeners.back().file.reset();
    }
}

std::vector<int> listener_set::descriptors() const {
    std::vector<int> all;
    for (const shared& one : current_)
        all.push_back(one->open.fd.get());
    return all;
}

bool listener_set::has(const std::vector<int>& descriptors) const {
    return std::ranges::all_of(descriptors, [&](int fd) {
        auto is_it = [&](const shared& one) { return one->open.fd.get() == fd; };
        return std::ranges::any_of(current_, is_it) || std::ranges::any_of(old_, is_it);
    });
}

listener_set::list_type listener_set::with(const std::vector<int>& descriptors) const {
    list_type found;
    for (int fd : descriptors)
        for (const list_type* list : {&current_, &old_})
            for (const shared& one : *list)
                if (one->open.fd.get() == fd) found.push_back(one);
    return found;
}

void listener_set::replace(listener_set fresh) {
    old_.insert(old_.end(), current_.begin(), current_.end());
    current_ = std::move(fresh.current_);
    std::erase_if(old_, [&](const shared& one) {
        return std::ranges::find(current_, one) != current_.end();
    });
}

std::vector<std::string> listener_set::change_options(const config::group_settings& wishes) const {
    std::vector<std::string> errors;
    for (const config::bind_spec& spec : wishes.listeners)
        for (const shared& one : current_) {
            if (one->wish != wish_of(spec, wishes.family)) continue;
            auto done =
                os::change_options(one->open.fd.get(), one->file.get(), spec, wishes.backlog);
            if (!done) errors.push_back(one->open.address + ": " + done.error().message());
        }
    return errors;
}

void listener_set::forget_old(const std::vector<int>& in_use) {
    std::erase_if(old_, [&](const shared& one) {
        return std::ranges::find(in_use, one->open.fd.get()) == in_use.end();
    });
}

} // namespace einhyrningsins::master
