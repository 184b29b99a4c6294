// SPDX-License-Identifier: GPL-3.0-or-later
//
// parse_bind_spec with arbitrary text: it never crashes, is deterministic, accepts only valid
// specs, and reports errors in one short line that is safe to print.
#include "config/bind_spec.hpp"
#include "config/descriptor_name.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>

using namespace einhyrningsins::config;

namespace {

void must(bool holds) {
    if (!holds) std::abort();
}

bool is_clean(std::string_view text) {
    return std::ranges::none_of(text, [](unsigned char c) { return c < ' ' || c == 0x7f; });
}

void check(const inet_address& address) {
    must(is_clean(address.host) && address.host.find_first_of(" []/") == std::string::npos);
}
void check(const unix_address& address) { must(is_clean(address.path) && !address.path.empty()); }
void check(const systemd_socket& socket) {
    must(socket.name.empty() || is_descriptor_name(socket.name));
}
void check(const inherited_fd& fd) { must(fd.number >= 0); }

void check(const bind_spec& spec, std::string_view text) {
    must(spec.text == text);
    std::visit([](const auto& address) { check(address); }, spec.address);
    must(!spec.backlog || *spec.backlog >= 1);
    must(spec.name.empty() || is_descriptor_name(spec.name));
    must(!spec.mode || *spec.mode <= 0777);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view text(reinterpret_cast<const char*>(data), size);
    auto once = parse_bind_spec(text), again = parse_bind_spec(text);
    must(once.has_value() == again.has_value());
    if (once) {
        must(*once == *again);
        check(*once, text);
    } else {
        must(once.error().message == again.error().message);
        must(is_clean(once.error().message) && once.error().message.size() < 600);
    }
    return 0;
}
