// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/rehearsal.hpp"

#include "loop/reactor.hpp"
#include "os/credentials.hpp"
#include "os/listen.hpp"
#include "os/own_process.hpp"
#include "os/signals.hpp"
#include "os/unique_fd.hpp"

#include <boost/asio/io_context.hpp>

#include <vector>

namespace einhyrningsins::master {
namespace {

/// Opens as many as the state names.
os::result<std::vector<os::unique_fd>> take_up_descriptors(std::size_t count) {
    std::vector<os::unique_fd> taken;
    while (taken.size() < count) {
        auto copy = os::duplicate(2);
        if (!copy) return copy.error();
        taken.push_back(std::move(*copy));
    }
    return taken;
}

/// Opens what no master can do without.
std::optional<std::string> open_essentials() {
    try {
        boost::asio::io_context context(1);
        loop::open_reactor(context);
    } catch (const std::exception& why) {
        return why.what();
    }
    if (auto signals = os::open_signal_fd(); !signals) return signals.error().message();
    return std::nullopt;
}

} // namespace

std::optional<std::string> rehearse(const handoff::state& from) {
    os::raise_descriptor_limit();
    std::size_t count = handoff::descriptors(from).size();
    auto taken = take_up_descriptors(count);
    if (!taken) return std::to_string(count) + " descriptors: " + taken.error().message();
    if (auto wrong = open_essentials()) return wrong;
    const std::string& group = from.master.socket_group;
    if (group.empty() || from.operators) return std::nullopt;
    auto found = os::group_id(group);
    if (!found) return "--socket-group: " + found.error().message();
    return std::nullopt;
}

} // namespace einhyrningsins::master
