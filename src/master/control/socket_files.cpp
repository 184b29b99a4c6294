// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/control/socket_files.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>

namespace einhyrningsins::master {
namespace {

using namespace std::chrono_literals;

constexpr auto retry = 1s;

/// False: it has to be tried again.
bool is_done_with(const os::socket_file& file) noexcept {
    try {
        auto removed = os::remove_socket_file(file);
        return removed ||
               !(os::is_scarcity(removed.error().number) || removed.error().number == EIO);
    } catch (const std::exception&) { // no memory
        return false;
    }
}

} // namespace

socket_files::socket_files(boost::asio::io_context& context)
    : again_(context, [this] { remove_unused(); }) {}

std::shared_ptr<const os::socket_file> socket_files::share(const os::socket_file& file) {
    auto known = std::ranges::find(all_, file, &entry::file);
    if (known == all_.end()) known = all_.insert(known, {file, {}});
    if (auto same = known->users.lock()) return same;
    std::shared_ptr<const os::socket_file> first(
        &known->file, [this](const os::socket_file*) { remove_unused(); });
    known->users = first;
    return first;
}

std::vector<os::socket_file> socket_files::unused() const {
    std::vector<os::socket_file> all;
    for (const entry& each : all_)
        if (each.users.expired()) all.push_back(each.file);
    return all;
}

void socket_files::take_over(const std::vector<os::socket_file>& unused) {
    for (const os::socket_file& each : unused)
        share(each); // and nobody has it
}

void socket_files::remove_unused() noexcept {
    all_.remove_if([](const entry& one) { return one.users.expired() && is_done_with(one.file); });
    auto is_unused = [](const entry& one) { return one.users.expired(); };
    if (std::ranges::any_of(all_, is_unused)) again_.after(retry);
}

} // namespace einhyrningsins::master
