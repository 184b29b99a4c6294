// SPDX-License-Identifier: GPL-3.0-or-later
//
// The state of an einhorn in Ruby with arbitrary bytes: it is refused with a message, or it can be
// handed over.
#include "handoff/einhorn_state.hpp"
#include "handoff/text.hpp"

#include <cstdint>
#include <cstdio>
#include <cstdlib>

using namespace einhyrningsins;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    handoff::einhorn_surroundings where{.wall_clock = std::chrono::system_clock::time_point(),
                                        .now = core::time_point(std::chrono::hours(100)),
                                        .temporary_directory = "/tmp",
                                        .working_directory = "/"};
    auto all = handoff::parse_einhorn({reinterpret_cast<const char*>(data), size}, where);
    if (!all) return all.error().empty() ? std::abort(), 0 : 0;
    auto again = handoff::parse(handoff::to_text(all->all));
    if (!again) std::fprintf(stderr, "%s\n", again.error().c_str()), std::abort();
    return 0;
}
