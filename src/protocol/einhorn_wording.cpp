// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/einhorn_wording.hpp"

#include "core/signal_name.hpp"
#include "protocol/order.hpp"
#include "protocol/version.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <utility>

namespace einhyrningsins::protocol::einhorn {
namespace {

namespace json = boost::json;
using namespace core::report_of;

constexpr unsigned most_workers = 1000;

std::string number(auto value) { return std::to_string(value); }

/// einhorn counts versions from 0, we count generations from 1.
std::string version_of(core::generation generation) {
    return number(generation > 0 ? generation - 1 : 0);
}

std::string inspect_string(std::string_view text) {
    std::string result = "\"";
    for (char c : text) {
        char hex[8];
        if (c == '\n') {
            result += "\\n";
        } else if (c == '\t') {
            result += "\\t";
        } else if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) {
            std::snprintf(hex, sizeof hex, "\\x%02X", static_cast<unsigned>(c));
            result += hex;
        } else {
            if (c == '"' || c == '\\') result += '\\';
            result += c;
        }
    }
    return result + '"';
}

template <class Range, class Text>
std::string listed(const Range& range, Text text) {
    std::string result;
    for (const auto& one : range)
        result += (result.empty() ? "" : ", ") + text(one);
    return result;
}

/// What Ruby calls the class of a value.
const char* class_of(const json::value& value) {
    if (value.is_string()) return "String";
    if (value.is_array()) return "Array";
    if (value.is_object()) return "Hash";
    if (value.is_bool()) return value.get_bool() ? "TrueClass" : "FalseClass";
    if (value.is_null()) return "NilClass";
    return value.is_double() ? "Float" : "Integer";
}

std::optional<std::string> complain_of_count(const std::vector<std::string>& args) {
    std::string text = args.empty() ? "" : args[0];
    unsigned count = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    bool whole = error == std::errc() && end == text.data() + text.size();
    if (whole && count >= 1 && count <= most_workers) return std::nullopt;
    return "Invalid count: '" + text + "'. Must be an integer in [1," + number(most_workers) + ").";
}

std::optional<std::string> complain_of_signals(const std::vector<std::string>& args) {
    for (const std::string& name : args)
        if (!core::signal_number(name)) return "Invalid signal: " + inspect_string(name);
    return std::nullopt;
}

std::optional<std::string> complain_of_config(const std::vector<std::string>& args) {
    if (args.empty()) return "Must pass in a YAML-encoded hash";
    auto value = joined(args);
    if (!value) return "Could not parse argument. Must be a YAML-encoded hash";
    if (!value->is_object())
        return std::string("Parsed argument is a ") + class_of(*value) + ", not a hash";
    return std::nullopt;
}

/// einhorn's name for a command and what it does, for those that an operator may give.
std::string descriptions() {
    std::vector<const command*> sorted;
    for (const command& one : commands())
        if (one.what != verb::worker_ack && one.what != verb::worker_ping && one.what != verb::ehlo)
            sorted.push_back(&one);
    std::ranges::sort(sorted, {}, [](const command* one) { return std::string_view(one->name); });
    std::string text;
    for (const command* one : sorted) {
        std::string arguments =
            *one->arguments ? " (args: " + std::string(one->arguments) + ")" : "";
        text += std::string(one->name) + ": " + one->help + arguments + "\n";
    }
    return text;
}

std::string text(const worker_started& r) {
    return "===> Launched " + number(r.worker.pid) + " (index: " + number(r.worker.index) + ")";
}

std::string text(const worker_died& r) {
    bool early = r.worker.state == core::worker_state::starting;
    return "===> Exited worker " + number(r.worker.pid) + (early ? " before it was ACKed" : "") +
           " (" + to_string(r.cause) + ")";
}

std::string text(const upgrade_began& r) {
    bool smooth = r.mode == core::upgrade_mode::rolling;
    return std::string("Starting ") + (smooth ? "smooth" : "fleet") + " upgrade from version " +
           version_of(r.generation - 1) + "...";
}

std::string text(const upgrade_advanced& r) {
    return "Up to " + number(r.acked) + " / " + number(r.of) + " ACKs";
}

std::string text(const upgrade_overtaken&) {
    return "Currently upgrading; bumping version and starting over...";
}

std::string text(const upgrade_done& r) {
    return "Upgraded successfully to version " + version_of(r.generation) + " (Einhorn " + version +
           ").";
}

std::string text(const upgrade_aborted& r) { return "ERROR: " + core::to_string(core::report(r)); }
std::string text(const upgrade_refused& r) { return "ERROR: " + core::to_string(core::report(r)); }
std::string text(const upgrade_cancelled& r) {
    return "ERROR: " + core::to_string(core::report(r));
}
std::string text(const start_failed& r) { return "ERROR: " + core::to_string(core::report(r)); }
std::string text(const auto& r) { return core::to_string(core::report(r)); }

} // namespace

std::string inspect(const json::value& value) {
    if (value.is_null()) return "nil";
    if (auto* string = value.if_string()) return inspect_string({string->data(), string->size()});
    if (auto* array = value.if_array()) return "[" + listed(*array, inspect) + "]";
    if (auto* object = value.if_object())
        return "{" +
               listed(*object,
                      [](const json::key_value_pair& one) {
                          return inspect_string(one.key()) + "=>" + inspect(one.value());
                      }) +
               "}";
    return word_of(value).value_or(json::serialize(value));
}

std::string complaint(const request_error& what) {
    using enum request_error::kind_type;
    if (what.kind == unreadable) return "Could not parse command";
    if (what.kind == no_command)
        return "No \"command\" parameter provided; not sure what you want me to do.";
    return what.message;
}

std::optional<std::string> complaint(verb what, const request& asked) {
    bool takes_words = what == verb::set_workers || what == verb::signal || what == verb::config;
    if (takes_words && !asked.args_given) return "No args provided";
    switch (what) {
    case verb::set_workers: return complain_of_count(asked.args);
    case verb::signal:
    case verb::die: return complain_of_signals(asked.args);
    case verb::config: return complain_of_config(asked.args);
    default: return std::nullopt;
    }
}

std::string welcome(const std::string& user, core::process_id master,
                    const std::string& command_name) {
    return "Welcome, " + user + "! You are speaking to Einhorn Master Process " + number(master) +
           (command_name.empty() ? "" : " (" + command_name + ")") + ".\nThis is Einhorn " +
           version + " (einhyrningsins " + protocol::version + ").\n";
}

std::string help() {
    return "You are speaking to the Einhorn command socket. You can run the following "
           "commands:\n\n" +
           descriptions();
}

std::string unrecognized(std::string_view command) {
    return "Unrecognized command: " + inspect_string(command) + "\n\n" + descriptions();
}

std::string resized(verb what, unsigned before, unsigned after) {
    std::string change = number(before) + " -> " + number(after);
    if (what == verb::inc) return "Incrementing number of workers from " + change;
    if (what == verb::dec) return "Decrementing number of workers from " + change;
    if (before == after) return "";
    return "Altering worker count, " + change + ". Will " +
           (before < after ? "spin up additional workers." : "gracefully terminate workers.");
}

std::string cannot_decrease(unsigned workers, core::process_id master) {
    return "Can't decrease number of workers (already at " + number(workers) + ").  Run kill " +
           number(master) + " if you really want to kill einhorn.";
}

std::string sent(int signal, const std::vector<core::process_id>& to) {
    std::string name = core::signal_name(signal);
    if (name.starts_with("SIG")) name.erase(0, 3);
    return "Successfully sent " + name + "s to " + number(to.size()) + " processes: [" +
           listed(to, [](core::process_id pid) { return number(pid); }) + "]";
}

std::string verbosity(unsigned level) { return "Verbosity set to " + number(level); }

const char* upgrading(verb what) {
    return what == verb::upgrade_fleet ? "Upgrading fleet, as commanded"
                                       : "Upgrading smoothly, as commanded";
}

std::string describe(const core::report& what) {
    return std::visit([](const auto& it) { return text(it); }, what);
}

} // namespace einhyrningsins::protocol::einhorn
