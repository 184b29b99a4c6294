// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/action.hpp"

#include "core/signal_name.hpp"

namespace einhyrningsins::core {
namespace {

std::string number(auto value) { return std::to_string(static_cast<unsigned long>(value)); }

std::string text(const action::begin_generation& a) {
    return "begin generation " + number(a.number);
}
std::string text(const action::spawn& a) {
    return "spawn #" + number(a.id) + " index " + number(a.index) + " generation " +
           number(a.generation);
}
std::string text(const action::signal& a) { return signal_name(a.number) + " to #" + number(a.id); }
std::string text(const action::run_stop_command&) { return "run the stop command"; }
std::string text(const action::tell& a) { return "tell: " + to_string(a.what); }

} // namespace

std::string to_string(const action_type& action) {
    return std::visit([](const auto& alternative) { return text(alternative); }, action);
}

} // namespace einhyrningsins::core
