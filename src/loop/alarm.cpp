// SPDX-License-Identifier: GPL-3.0-or-later
#include "loop/alarm.hpp"

#include "loop/turns.hpp"

#include <utility>

namespace einhyrningsins::loop {

alarm::alarm(boost::asio::io_context& context, handler ring, purpose what)
    : turns_(turns::of(context)),
      ring_(std::move(ring)),
      purpose_(what) {}

alarm::~alarm() {
    cancel();
    if (gone_) *gone_ = true;
}

void alarm::at(core::time_point when) {
    auto now = core::time_point::clock::now();
    turns_.note_lateness(now);
    by_time_.unlink();
    in_turn_.unlink();
    due_ = when;
    set_at_ = now;
    turns_.set(*this);
}

void alarm::after(core::duration pause) { at(core::time_point::clock::now() + pause); }

void alarm::soon() { after(core::duration::zero()); }

void alarm::cancel() {
    if (!is_set()) return;
    turns_.note_lateness(core::time_point::clock::now());
    by_time_.unlink();
    in_turn_.unlink();
    turns_.note_cancelled();
}

std::optional<core::time_point> alarm::due() const {
    if (!is_set()) return std::nullopt;
    return due_;
}

/// The handler is moved out of the alarm while it runs, since it may destroy the alarm.
void alarm::run() {
    bool gone = false;
    gone_ = &gone;
    postponed_ = 0;
    handler ring = std::move(ring_);
    turns& all = turns_;
    all.attempt(ring);
    if (gone) return;
    gone_ = nullptr;
    ring_ = std::move(ring);
}

} // namespace einhyrningsins::loop
