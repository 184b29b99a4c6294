// SPDX-License-Identifier: GPL-3.0-or-later
#include "config/bind_spec.hpp"

#include "config/descriptor_name.hpp"
#include "config/number.hpp"
#include "config/quote.hpp"
#include "core/nearest.hpp"
#include "core/socket_path.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <limits>

namespace einhyrningsins::config {
namespace {

constexpr std::size_t longest_text = 4096;
using maybe_error = std::optional<std::string>;

std::string lower(std::string_view text) {
    std::string result(text);
    std::ranges::transform(result, result.begin(), [](unsigned char c) { return std::tolower(c); });
    return result;
}

/// Removes `prefix` from the front of `text`, ignoring case. Returns whether it was there.
bool take(std::string_view& text, std::string_view prefix) {
    if (lower(text.substr(0, prefix.size())) != prefix) return false;
    text.remove_prefix(prefix.size());
    return true;
}

// The address

constexpr const char* brackets = "write an IPv6 address as [::1]:8080";

/// Checks the text between the brackets: hexadecimal digits and at least one colon, optionally with
/// a zone as in "fe80::1%eth0".
bool may_be_ipv6(std::string_view text) {
    std::string_view digits = text.substr(0, text.find('%'));
    return digits.find(':') != std::string_view::npos &&
           digits.find_first_not_of("0123456789abcdefABCDEF:.") == std::string_view::npos;
}

bool may_be_host(std::string_view text) {
    return std::ranges::all_of(text, [](unsigned char c) {
        return c > ' ' && c < 0x7f && std::string_view("[]/@").find(c) == std::string_view::npos;
    });
}

maybe_error read_host(std::string_view host, inet_address& address) {
    if (host.starts_with('[')) {
        if (!host.ends_with(']')) return brackets;
        host = host.substr(1, host.size() - 2);
        if (!may_be_ipv6(host)) return brackets;
    } else if (host.find(':') != std::string_view::npos) {
        return brackets;
    }
    if (!may_be_host(host)) return quote(host) + " is not a host name or an address";
    address.host = host;
    return std::nullopt;
}

maybe_error read_inet(std::string_view text, bind_spec& spec) {
    std::size_t colon = text.rfind(':');
    bool port_missing = colon == std::string_view::npos || colon + 1 == text.size() ||
                        (text.starts_with('[') && text.ends_with(']'));
    if (port_missing) return "a port is missing; write HOST:PORT, :PORT, or a path with a '/'";
    std::string_view port_text = text.substr(colon + 1);
    inet_address address;
    if (auto error = read_host(text.substr(0, colon), address)) return error;
    auto port = parse_number(port_text, 0, 65535);
    if (!port) return "port " + quote(port_text) + " is not a number from 0 to 65535";
    address.port = static_cast<std::uint16_t>(*port);
    spec.address = address;
    return std::nullopt;
}

maybe_error read_unix(std::string_view text, bind_spec& spec) {
    bool abstract = text.starts_with('@');
    if (abstract) text.remove_prefix(1);
    if (text.empty()) return abstract ? "a name is missing after '@'" : "a path is missing";
    if (auto wrong = core::complain_of_socket_path(text)) return wrong;
    spec.address = unix_address{std::string(text), abstract};
    return std::nullopt;
}

maybe_error read_systemd(std::string_view name, bind_spec& spec) {
    if (!is_descriptor_name(name))
        return "'systemd:' must be followed by a name from LISTEN_FDNAMES";
    spec.address = systemd_socket{std::string(name)};
    return std::nullopt;
}

maybe_error read_fd(std::string_view text, bind_spec& spec) {
    auto number = parse_number(text, 0, 1'048'576);
    if (!number) return quote(text) + " is not a file descriptor";
    spec.address = inherited_fd{static_cast<int>(*number)};
    return std::nullopt;
}

/// firestarter writes "tcp::HOST:PORT" for "tcp:HOST:PORT". In "tcp::80" the second colon belongs
/// to
/// ":80", which means all addresses.
std::string_view without_second_colon(std::string_view text) {
    bool doubled = text.starts_with(':') && text.find(':', 1) != std::string_view::npos;
    return text.substr(doubled ? 1 : 0);
}

maybe_error read_address(std::string_view text, bind_spec& spec) {
    if (text.starts_with('/') || text.starts_with('.')) return read_unix(text, spec);
    if (take(text, "unix::") || take(text, "unix:")) return read_unix(text, spec);
    if (take(text, "fd:")) return read_fd(text, spec);
    if (take(text, "systemd:")) return read_systemd(text, spec);
    if (lower(text) == "systemd") {
        spec.address = systemd_socket{};
        return std::nullopt;
    }
    if (take(text, "tcp:")) return read_inet(without_second_colon(text), spec);
    if (take(text, "udp:")) {
        spec.kind = transport::datagram;
        return read_inet(without_second_colon(text), spec);
    }
    return read_inet(text, spec);
}

// The options

bool is_unix_path(const bind_spec& spec) {
    auto* address = std::get_if<unix_address>(&spec.address);
    return address && !address->abstract;
}

maybe_error only_for_paths(const bind_spec& spec) {
    if (is_unix_path(spec)) return std::nullopt;
    return "is only valid for a unix socket with a path";
}

constexpr const char* twice = "is given twice";

maybe_error read_backlog(std::string_view value, bind_spec& spec) {
    if (spec.backlog) return twice;
    auto number = parse_number(value, 1, std::numeric_limits<int>::max());
    if (!number) return "must be a number, at least 1";
    if (spec.kind == transport::datagram) return "is not valid for udp, which has no connections";
    spec.backlog = static_cast<int>(*number);
    return std::nullopt;
}

maybe_error read_name(std::string_view value, bind_spec& spec) {
    if (!spec.name.empty()) return twice;
    if (!is_descriptor_name(value))
        return "must be a word of at most 255 ASCII characters without ':'";
    spec.name = value;
    return std::nullopt;
}

maybe_error read_mode(std::string_view value, bind_spec& spec) {
    if (spec.mode) return twice;
    auto mode = parse_number(value, 0, 0777, 8);
    if (!mode) return "must be octal, like 0660";
    spec.mode = static_cast<std::uint32_t>(*mode);
    return only_for_paths(spec);
}

maybe_error read_user(std::string_view value, bind_spec& spec) {
    if (!spec.user.empty()) return twice;
    if (value.empty()) return "must name a user";
    spec.user = value;
    return only_for_paths(spec);
}

maybe_error read_group(std::string_view value, bind_spec& spec) {
    if (!spec.group.empty()) return twice;
    if (value.empty()) return "must name a group";
    spec.group = value;
    return only_for_paths(spec);
}

struct flag {
    const char* name;
    bool bind_spec::*member;
};
constexpr std::array flags{
    flag{"r", &bind_spec::reuse_address}, flag{"so_reuseaddr", &bind_spec::reuse_address},
    flag{"n", &bind_spec::non_blocking}, flag{"o_nonblock", &bind_spec::non_blocking},
    flag{"so_reuseport", &bind_spec::reuse_port}};

struct value_option {
    const char* name;
    maybe_error (*read)(std::string_view, bind_spec&);
};
constexpr std::array values{value_option{"backlog", read_backlog}, value_option{"name", read_name},
                            value_option{"mode", read_mode}, value_option{"user", read_user},
                            value_option{"group", read_group}};

std::string unknown_option(std::string_view text) {
    std::vector<std::string> known; // without single letters: any match would be a guess
    for (const flag& one : flags)
        if (std::string_view(one.name).size() > 1) known.emplace_back(one.name);
    for (const value_option& one : values)
        known.emplace_back(std::string(one.name) + "=");
    std::size_t equals = text.find('=');
    std::string_view name = text.substr(0, equals == std::string_view::npos ? equals : equals + 1);
    std::string hint = core::did_you_mean(name, known);
    if (hint.empty())
        hint = "; the options are r, n, so_reuseport, backlog=, name=, mode=, user=, group=";
    return "unknown option " + quote(text) + hint;
}

maybe_error read_option(std::string_view text, bind_spec& spec) {
    if (text.empty()) return "an option is missing between or after the commas";
    for (const flag& one : flags)
        if (lower(text) == one.name) {
            spec.*one.member = true;
            return std::nullopt;
        }
    std::size_t equals = text.find('=');
    for (const value_option& one : values) {
        if (equals == std::string_view::npos || lower(text.substr(0, equals)) != one.name) continue;
        auto error = one.read(text.substr(equals + 1), spec);
        return error ? std::optional(std::string(one.name) + "= " + *error) : std::nullopt;
    }
    return unknown_option(text);
}

maybe_error read_options(std::string_view text, bind_spec& spec) {
    while (true) {
        std::size_t comma = text.find(',');
        if (auto error = read_option(text.substr(0, comma), spec)) return error;
        if (comma == std::string_view::npos) return std::nullopt;
        text.remove_prefix(comma + 1);
    }
}

} // namespace

boost::system::result<bind_spec, text_error> parse_bind_spec(std::string_view text) {
    bind_spec spec;
    spec.text = text;
    std::size_t comma = text.find(',');
    maybe_error error;
    if (text.size() > longest_text) error = "is too long";
    if (!error) error = read_address(text.substr(0, comma), spec);
    if (!error && comma != std::string_view::npos)
        error = read_options(text.substr(comma + 1), spec);
    if (error) return text_error{quote(text) + ": " + *error};
    return spec;
}

std::string place_of(const bind_spec& spec) {
    std::string kind = spec.kind == transport::datagram ? "udp " : "";
    if (spec.reuse_port) return "";
    if (auto* inet = std::get_if<inet_address>(&spec.address))
        return inet->port == 0 ? "" : kind + inet->host + ":" + std::to_string(inet->port);
    if (auto* path = std::get_if<unix_address>(&spec.address))
        return kind + (path->abstract ? "@" : "path ") + path->path;
    if (auto* socket = std::get_if<systemd_socket>(&spec.address)) return "systemd " + socket->name;
    return "fd " + std::to_string(std::get<inherited_fd>(spec.address).number);
}

} // namespace einhyrningsins::config
