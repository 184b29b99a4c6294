// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/event.hpp"

#include "core/signal_name.hpp"

namespace einhyrningsins::core {
namespace {

std::string number(auto value) { return std::to_string(static_cast<unsigned long>(value)); }

std::string text(const event::open&) { return "open"; }
std::string text(const event::demanded&) { return "demanded"; }
std::string text(const event::start&) { return "start"; }
std::string text(const event::stop& e) {
    return "stop " + signal_name(e.signal) + (e.as_such ? " as such" : "");
}
std::string text(const event::stop_command_failed&) { return "stop command failed"; }
std::string text(const event::restart&) { return "restart"; }
std::string text(const event::forward& e) { return "forward " + signal_name(e.signal); }
std::string text(const event::upgrade& e) { return std::string("upgrade ") + to_string(e.mode); }
std::string text(const event::resize& e) { return "resize to " + number(e.number); }
std::string text(const event::reconfigure&) { return "reconfigure"; }
std::string text(const event::spawned& e) {
    return "spawned #" + number(e.id) + " as " + number(e.pid);
}
std::string text(const event::spawn_failed& e) {
    return "spawn of #" + number(e.id) + " failed: " + e.reason + (e.scarce ? " (scarce)" : "");
}
std::string text(const event::exited& e) {
    return "exit of " + number(e.pid) + ": " + to_string(e.cause);
}
std::string text(const event::acked& e) { return "ack of " + number(e.pid); }
std::string text(const event::touched& e) { return "sign of life of " + number(e.pid); }
std::string text(const event::pinged& e) { return "ping of " + number(e.pid); }

} // namespace

const char* to_string(upgrade_mode mode) {
    return mode == upgrade_mode::rolling ? "rolling" : "fleet";
}

std::string to_string(const event_type& what) {
    return std::visit([](const auto& it) { return text(it); }, what);
}

} // namespace einhyrningsins::core
