// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/event.hpp"

#include "core/report.hpp"
#include "core/signal_name.hpp"

namespace einhyrningsins::core {
namespace {

std::string number(auto value) { return std::to_string(static_cast<unsigned long>(value)); }

/// How workers are told to go, where an event says so.
std::string by(const std::optional<int>& signal) {
    return signal ? " by " + signal_name(*signal) : "";
}

std::string text(const event::open&) { return "open"; }
std::string text(const event::demanded&) { return "demanded"; }
std::string text(const event::start&) { return "start"; }
std::string text(const event::stop& e) {
    return "stop " + signal_name(e.signal) + (e.as_such ? " as such" : "");
}
std::string text(const event::stop_command_failed&) { return "stop command failed"; }
std::string text(const event::restart& e) { return "restart" + by(e.signal); }
std::string text(const event::forward& e) { return "forward " + signal_name(e.signal); }
std::string text(const event::upgrade& e) {
    return std::string("upgrade ") + to_string(e.mode) + by(e.signal);
}
std::string text(const event::resize& e) { return "resize to " + number(e.number) + by(e.signal); }
std::string text(const event::reconfigure&) { return "reconfigure"; }
std::string text(const event::spawned& e) {
    return "spawned #" + number(e.id) + " as " + number(e.pid);
}
std::string text(const event::spawn_failed& e) {
    return "spawn of #" + number(e.id) + " failed: " + e.reason + (e.scarce ? " (scarce)" : "");
}
std::string text(const event::exited& e) {
    return "exit of #" + number(e.id) + ": " + to_string(e.cause);
}
std::string text(const event::acked& e) { return "ack of #" + number(e.id) + by(e.signal); }
std::string text(const event::touched& e) { return "sign of life of #" + number(e.id); }
std::string text(const event::pinged& e) { return "ping of #" + number(e.id); }
std::string text(const event::stalled& e) { return "stalled for " + to_string(e.length); }
std::string text(const event::unheard& e) { return "unheard for " + to_string(e.length); }

} // namespace

const char* to_string(upgrade_mode mode) {
    return mode == upgrade_mode::rolling ? "rolling" : "fleet";
}

event::upgrade joined(const event::upgrade& earlier, const event::upgrade& later) {
    bool both_roll = earlier.mode == upgrade_mode::rolling && later.mode == upgrade_mode::rolling;
    return {both_roll ? upgrade_mode::rolling : upgrade_mode::fleet,
            later.signal ? later.signal : earlier.signal};
}

std::string to_string(const event_type& event) {
    return std::visit([](const auto& alternative) { return text(alternative); }, event);
}

} // namespace einhyrningsins::core
