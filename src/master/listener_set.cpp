// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/listener_set.hpp"

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

/// Another descriptor for the same socket, so that each belongs to one group.
os::result<shared> duplicate(const listener& from) {
    auto fd = os::duplicate(from.open.fd.get());
    if (!fd) return fd.error();
    os::opened_listener open{std::move(*fd),   from.open.address,
                             from.open.family, from.open.server_starter_key,
                             from.open.name,   {}};
    return std::make_shared<const listener>(std::move(open), from.file, from.wish);
}

listener_set::list_type made_for(const std::string& wish, const listener_set& among) {
    listener_set::list_type found;
    std::ranges::copy_if(among.list(), std::back_inserter(found),
                         [&](const shared& one) { return one->wish == wish; });
    return found;
}

os::result<listener_set::list_type> share(const std::string& wish, const listener_set& own,
                                          const std::vector<const listener_set*>& others) {
    listener_set::list_type found = made_for(wish, own);
    for (const listener_set* other : others) {
        if (!found.empty()) break;
        for (const shared& one : made_for(wish, *other)) {
            auto copy = duplicate(*one);
            if (!copy) return copy.error();
            found.push_back(std::move(*copy));
        }
    }
    return found;
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
                                        const listener_set& own,
                                        const std::vector<const listener_set*>& others) {
    listener_set made;
    for (const config::bind_spec& spec : wishes.listeners) {
        auto some = share(wish_of(spec, wishes.family), own, others);
        if (some && some->empty()) some = bind(spec, wishes);
        if (!some)
            return opened(boost::system::in_place_error, spec.text + ": " + some.error().message());
        std::ranges::copy(*some, std::back_inserter(made.current_));
    }
    return made;
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
