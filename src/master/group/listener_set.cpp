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

/// Other descriptors for the same sockets, so that each belongs to one group.
os::result<listener_set::list_type> duplicate(const listener_set::list_type& from) {
    listener_set::list_type copies;
    for (const shared& one : from) {
        auto fd = os::duplicate(one->open.fd.get());
        if (!fd) return fd.error();
        const os::opened_listener& old = one->open;
        os::opened_listener open{std::move(*fd),         old.address, old.family,
                                 old.server_starter_key, old.name,    {}};
        copies.push_back(std::make_shared<const listener>(std::move(open), one->file, one->wish));
    }
    return copies;
}

/// Takes out of `pool` what was opened for that. One SPEC is one listener, but for systemd's.
listener_set::list_type take(listener_set::list_type& pool, const config::bind_spec& spec,
                             const std::string& wish) {
    listener_set::list_type taken;
    bool several = std::holds_alternative<config::systemd_socket>(spec.address);
    std::erase_if(pool, [&](const shared& one) {
        bool wanted = one->wish == wish && (several || taken.empty());
        if (wanted) taken.push_back(one);
        return wanted;
    });
    return taken;
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
    return spec.text + (family == config::ip_family::v4 ? " -4" : " -6");
}

listener_set::opened listener_set::open(const config::group_settings& wishes,
                                        const listener_set& own, list_type& released) {
    listener_set made;
    list_type before = own.current_;
    for (const config::bind_spec& spec : wishes.listeners) {
        std::string wish = wish_of(spec, wishes.family);
        os::result<list_type> some = take(before, spec, wish);
        if (some->empty()) some = duplicate(take(released, spec, wish));
        if (some && some->empty()) some = bind(spec, wishes);
        if (!some) return opened(boost::system::in_place_error, complaint(spec, some.error()));
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

void listener_set::replace(listener_set fresh) {
    for (shared& one : current_)
        if (std::ranges::find(fresh.current_, one) == fresh.current_.end())
            old_.push_back(std::move(one));
    current_ = std::move(fresh.current_);
}

void listener_set::forget_old(const std::vector<int>& in_use) {
    std::erase_if(old_, [&](const shared& one) {
        return std::ranges::find(in_use, one->open.fd.get()) == in_use.end();
    });
}

} // namespace einhyrningsins::master
