// SPDX-License-Identifier: GPL-3.0-or-later
//
// A handed-over state of arbitrary bytes: it is refused in one line, or its groups can run.
#include "core/group.hpp"
#include "handoff/text.hpp"

#include <cstdint>
#include <cstdlib>
#include <string_view>

using namespace einhyrningsins;

namespace {

void must(bool holds) {
    if (!holds) std::abort();
}

/// As the shell would: what was asked for is answered, and time goes by.
void live(core::group one) {
    core::time_point now{};
    for (int turn = 0; turn < 50; ++turn) {
        for (const core::action_type& what : one.reconcile(now))
            if (auto* spawn = std::get_if<core::action::spawn>(&what))
                one.apply(core::event::spawn_failed{spawn->id, "no", turn % 2 == 0}, now);
        now += std::chrono::seconds(1);
    }
    one.apply(core::event::upgrade{core::upgrade_mode::rolling}, now);
    one.reconcile(now);
    one.apply(core::event::stop{15}, now);
    one.reconcile(now);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    auto all = handoff::parse({reinterpret_cast<const char*>(data), size});
    if (!all) {
        must(!all.error().empty() && all.error().find('\n') == std::string::npos);
        return 0;
    }
    std::string text = handoff::to_text(*all);
    auto again = handoff::parse(text);
    must(again && handoff::to_text(*again) == text);
    for (const handoff::group& one : all->groups)
        if (one.state.wishes.number < 1000 && one.state.workers.size() < 1000)
            live(core::group(one.state, 1));
    return 0;
}
