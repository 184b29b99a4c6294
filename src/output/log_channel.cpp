// SPDX-License-Identifier: GPL-3.0-or-later
#include "output/log_channel.hpp"

#include "core/assert.hpp"

#include <algorithm>
#include <functional>
#include <iterator>
#include <set>

namespace einhyrningsins::output {
namespace {

/// A piece of this size is not extended.
constexpr std::size_t largest_piece = 64 * 1024;
/// So many pieces may be collected however low the limit is.
constexpr std::size_t least_pieces = 64;

} // namespace

log_channel::log_channel(model::log_file_state from)
    : spec_(from.spec),
      file_(std::make_shared<shared_log_file>()) {
    view_.count = from.count;
    view_.pending = from.pending.size();
    view_.failing = !from.pending.empty();
    file_->from = std::move(from);
}

void log_channel::change(config::log_spec spec) {
    has_news_ |= spec != spec_;
    spec_ = std::move(spec);
}

void log_channel::join(writer_id id, std::string unwritten) {
    next_.joined[id] = std::move(unwritten);
    has_news_ = true;
    ++writers_;
}

bool log_channel::must_wait(writer_id id, core::time_point now) {
    if (view_.holder == 0 || view_.holder == id) return false;
    if (!held_since_) held_since_ = now;
    return now < *held_since_ + log_file::patience;
}

// ---- Collecting ----

/// What the file itself keeps counts as well.
std::size_t log_channel::most_waiting() const {
    return limit_ - std::min(view_.pending, limit_ / 16 * 15);
}

/// Pieces need memory too: as much as text at most, when writers alternate with short lines.
std::size_t log_channel::most_pieces() const {
    return std::max(limit_ / sizeof(log_job::piece), least_pieces);
}

std::size_t log_channel::room() const {
    bool is_full = waiting_ >= most_waiting() || next_.pieces.size() >= most_pieces();
    return is_full ? 0 : most_waiting() - waiting_;
}

bool log_channel::is_over() const {
    return waiting_ > most_waiting() || next_.pieces.size() > most_pieces();
}

log_job::piece& log_channel::piece_of(writer_id from) {
    has_news_ = true;
    bool goes_on = !next_.pieces.empty() && next_.pieces.back().from == from &&
                   next_.pieces.back().piped == 0 &&
                   next_.pieces.back().text.size() < largest_piece;
    if (goes_on) return next_.pieces.back();
    bool insists = view_.holder != 0 && view_.holder != from;
    return next_.pieces.emplace_back(log_job::piece{.from = from, .insists = insists});
}

void log_channel::take(writer_id from, std::string_view text) {
    std::uint64_t lost = 0;
    if (auto known = gaps_.find(from); known != gaps_.end()) {
        std::size_t before = text.size();
        bool over = skip(known->second, text);
        lost_ += before - text.size();
        if (!over) return;
        lost = known->second.lost;
        gaps_.erase(known);
    }
    log_job::piece& piece = piece_of(from);
    piece.lost += lost;
    piece.text += text;
    waiting_ += text.size();
    if (stuck_ && is_over()) trim();
}

bool log_channel::can_take_piped(writer_id from) const {
    return !stuck_ && waiting_ == 0 && !gaps_.contains(from);
}

void log_channel::take_piped(writer_id from, std::size_t size) {
    piece_of(from).piped += size;
    piped_ += size;
}

/// A piece of its own, since what is lost comes before the text of a piece.
void log_channel::lose(writer_id from, std::size_t size) {
    if (size == 0) return;
    next_.pieces.push_back({.from = from, .lost = size});
    lost_ += size;
    has_news_ = true;
}

void log_channel::end(writer_id from) {
    log_job::piece& last = piece_of(from);
    last.ends = true;
    if (auto known = gaps_.extract(from)) last.lost += known.mapped().lost;
    --writers_;
    if (stuck_ && is_over()) trim();
}

void log_channel::flush() {
    next_.flushes = true;
    has_news_ = true;
}

void log_channel::close() {
    assert(is_idle());
    next_.closes = has_news_ = true;
}

// ---- Dropping ----

/// Removes from `text` the rest of a line whose beginning was dropped. Returns whether that line
/// has ended.
bool log_channel::skip(gap& of, std::string_view& text) {
    if (!of.mid_line) return true;
    std::size_t newline = text.find('\n');
    std::size_t size = newline == text.npos ? text.size() : newline + 1;
    of.lost += size;
    of.mid_line = newline == text.npos;
    text.remove_prefix(size);
    return !of.mid_line;
}

/// Removes at least so many bytes from the beginning of `text`, up to the end of a line.
void log_channel::cut(gap& of, std::string_view& text, std::size_t least) {
    std::size_t newline = text.find('\n', least - 1);
    std::size_t size = newline == text.npos ? text.size() : newline + 1;
    if (size > 0) of.mid_line = text[size - 1] != '\n';
    of.lost += size;
    text.remove_prefix(size);
}

/// Drops more than necessary, since each pass is expensive.
void log_channel::trim() {
    std::size_t most = most_waiting() / 16 * 15;
    std::size_t pieces = next_.pieces.size(), most_left = most_pieces() / 16 * 15;
    std::set<writer_id> staying;
    std::erase_if(next_.pieces, [&](log_job::piece& piece) {
        std::size_t surplus = waiting_ - std::min(waiting_, most);
        if (pieces > most_left) surplus = std::max(surplus, piece.text.size() + 1);
        bool stays = drop_or_keep(piece, surplus);
        if (stays && !staying.contains(piece.from) && forget(piece)) stays = false;
        stays ? void(staying.insert(piece.from)) : void(--pieces);
        return !stays;
    });
}

/// Drops `least` bytes of the piece, if it has that many, or else all. Returns whether it stays: it
/// follows those that were dropped, or has the end of its writer, or bytes in the pipe, from which
/// the job has to take them.
bool log_channel::drop_or_keep(log_job::piece& piece, std::size_t least) {
    gap& before = gaps_[piece.from];
    before.lost += std::exchange(piece.lost, 0);
    std::string_view rest = piece.text;
    least > 0 && piece.piped == 0 ? cut(before, rest, least) : void(skip(before, rest));
    std::size_t dropped = piece.text.size() - rest.size();
    piece.text.erase(0, dropped);
    waiting_ -= dropped;
    lost_ += dropped;
    if (piece.text.empty() && !piece.ends && piece.piped == 0) return false;
    piece.lost = before.lost;
    gaps_.erase(piece.from);
    return true;
}

/// Forgets a writer if this is all that is left of it and the file does not know it. Returns
/// whether it did.
bool log_channel::forget(const log_job::piece& last) {
    auto known = next_.joined.find(last.from);
    bool is_empty = last.ends && last.text.empty() && last.piped == 0;
    if (!is_empty || known == next_.joined.end() || !known->second.empty()) return false;
    next_.joined.erase(known);
    next_.lost += last.lost;
    return true;
}

// ---- Jobs ----

log_job log_channel::begin() {
    assert(!running_);
    next_.spec = spec_; // the last step that can fail
    next_.pending_limit = limit_;
    running_ = true;
    has_news_ = false;
    waiting_ = piped_ = 0;
    lost_in_job_ = next_.lost;
    for (const log_job::piece& piece : next_.pieces)
        lost_in_job_ += piece.lost;
    return std::exchange(next_, {});
}

void log_channel::take_back(log_job job) {
    running_ = false;
    next_ = std::move(job);
    has_news_ = true;
    lost_in_job_ = 0;
    for (const log_job::piece& piece : next_.pieces) {
        waiting_ += piece.text.size();
        piped_ += piece.piped;
    }
}

void log_channel::finish(log_view view) {
    running_ = false;
    waits_since_.reset();
    if (view.holder != view_.holder) held_since_.reset();
    view_ = std::move(view);
    lost_ -= std::exchange(lost_in_job_, 0);
}

void log_channel::abandon() {
    running_ = false;
    waits_since_.reset();
    lost_in_job_ = 0;
}

void log_channel::set_stuck(bool stuck) {
    stuck_ = stuck;
    dropped_before_ = dropped();
}

model::log_file_state log_channel::state() const {
    assert(!running_);
    return file_->file ? file_->file->state() : file_->from;
}

std::vector<std::pair<writer_id, std::string>> log_channel::unwritten() const {
    assert(!running_);
    if (!file_->file) return {};
    return file_->file->unwritten();
}

std::uint64_t log_channel::lane() const {
    if (view_.device != 0) return view_.device;
    return std::hash<std::string_view>()(std::string_view(path()).substr(0, path().rfind('/') + 1));
}

} // namespace einhyrningsins::output
