// SPDX-License-Identifier: GPL-3.0-or-later
#include "output/log_file.hpp"

#include "os/pipe.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace einhyrningsins::output {
namespace {

constexpr core::duration pause_after_failure = std::chrono::seconds(1);
/// How soon a file that was moved away is noticed, if something is written.
constexpr core::duration between_looks = std::chrono::seconds(1);
/// The clock may be set, so a distant deadline is checked again after this time.
constexpr core::duration longest_wait = std::chrono::hours(1);
constexpr std::size_t chunk_size = 64 * 1024;
/// The page cache allocates memory in pieces as large as a write, which is expensive for pieces
/// that were not in use a moment ago: it takes half the CPU time of writes of 1 MiB.
constexpr std::size_t largest_write = 256 * 1024;

wall_time seconds_of(moment now) { return std::chrono::floor<std::chrono::seconds>(now.wall); }

std::string numbered(const std::string& name, unsigned n) {
    return n == 0 ? name : name + "." + std::to_string(n);
}

/// Returns a name that does not exist yet: `name`, `name`_2, ...
std::string unused(const os::guarded_directory& directory, const std::string& name) {
    std::string free = name;
    for (unsigned n = 2; n < 10'000 && directory.has(free); ++n)
        free = name + "_" + std::to_string(n);
    return free;
}

} // namespace

std::size_t pending_limit(std::size_t files) {
    constexpr std::size_t most = 1024 * 1024, most_of_all = 32 * most;
    return std::min(most, most_of_all / std::max<std::size_t>(files, 1));
}

log_file::log_file(const model::log_file_state& state, moment now)
    : spec_(state.spec),
      last_writer_(state.last_writer),
      pending_(state.pending),
      cut_(state.cut),
      dropped_before_(state.dropped_before),
      count_(state.count) {
    // The other master has reported this error.
    if (state.fd < 0 || !pending_.empty()) told_ = count_.last_error;
    if (state.fd < 0) {
        open(now);
    } else {
        file_.emplace(os::unique_fd(state.fd));
        device_ = file_->device();
        size_ = file_->size().value_or(0);
        began_ = wall_time(std::chrono::seconds(state.began));
    }
    if (!pending_.empty()) failing_ = true; // so that it is retried at once
}

model::log_file_state log_file::state() const {
    return {.spec = spec_,
            .fd = file_ ? file_->fd() : -1,
            .began = began_.time_since_epoch().count(),
            .last_writer = last_writer_,
            .pending = pending_,
            .cut = cut_,
            .dropped_before = dropped_before_,
            .count = count_};
}

// ---- What is there ----

bool log_file::ends_mid_line() const {
    if (!mid_line_) mid_line_ = file_ && size_ > 0 && file_->byte_at(size_ - 1) != '\n';
    return *mid_line_;
}

bool log_file::text_ends_mid_line() const {
    return pending_.empty() ? ends_mid_line() : pending_.back() != '\n';
}

std::optional<std::uint64_t> log_file::limit(moment now) const {
    const auto* rule = std::get_if<config::size_rotation>(&spec_.rotate);
    if (!rule || now.steady < rotate_again_at_) return std::nullopt;
    return rule->bytes;
}

bool log_file::is_due(moment now) const {
    const auto* rule = std::get_if<config::time_rotation>(&spec_.rotate);
    return rule && size_ > 0 && now.steady >= rotate_again_at_ &&
           seconds_of(now) >= next_rotation(*rule, began_);
}

std::vector<std::pair<writer_id, std::string>> log_file::unwritten() const {
    std::vector<std::pair<writer_id, std::string>> all;
    for (const auto& [id, known] : writers_)
        all.emplace_back(id, known.unwritten);
    return all;
}

// ---- Lines that have begun ----

writer_id log_file::holder() const {
    return is_shared() && writers_.contains(last_writer_) && text_ends_mid_line() ? last_writer_
                                                                                  : 0;
}

bool log_file::is_held_from(writer_id id, moment now) {
    writer_id held_by = holder();
    if (held_by == 0 || held_by == id) return false;
    if (!held_since_) held_since_ = now.steady;
    return now.steady < *held_since_ + patience;
}

void log_file::hold(writer_id id, std::string_view text) {
    writers_[id].unwritten += text;
    writers_[id].held = any_held_ = true;
}

/// Writes what does not have to be held back any more.
void log_file::release(moment now) {
    auto is_held = [](const auto& known) { return known.second.held; };
    while (any_held_) {
        auto held = std::ranges::find_if(writers_, [&](const auto& known) {
            return is_held(known) && !is_held_from(known.first, now);
        });
        if (held == writers_.end()) break;
        release(held->first, now);
        any_held_ = std::ranges::any_of(writers_, is_held);
    }
    if (held_since_ && holder() == 0) held_since_.reset();
}

void log_file::release(writer_id id, moment now) {
    writer& from = writers_[id];
    from.held = false;
    if (from.ended) return finish(id, now);
    std::string text = std::exchange(from.unwritten, {});
    take_text(id, text, now);
}

void log_file::attach(writer_id id, std::string unwritten, moment now) {
    bool held = unwritten.find('\n') != std::string::npos;
    if (held) held_since_ = now.steady;
    any_held_ |= held;
    writers_[id] = {std::move(unwritten), held};
}

/// Ends a line of another writer that has no end, and may never get one.
void log_file::begin_turn(writer_id id, moment now) {
    if (last_writer_ != id && text_ends_mid_line()) add("\n", now);
    if (last_writer_ != id) held_since_.reset();
    last_writer_ = id;
}

void log_file::write_unwritten(writer_id id, moment now) {
    std::string text = std::exchange(writers_[id].unwritten, {});
    if (text.empty()) return;
    begin_turn(id, now);
    add(text, now);
}

void log_file::finish(writer_id id, moment now) {
    writer& from = writers_[id];
    from.ended = true;
    from.held = !from.unwritten.empty() && is_held_from(id, now);
    any_held_ |= from.held;
    if (from.held) return;
    if (!from.unwritten.empty()) look(now);
    write_unwritten(id, now);
    writers_.erase(id);
    release(now);
}

// ---- Opening ----

/// Goes on at the end of the file if it exists already.
void log_file::open(moment now) {
    auto opened = os::output_file::open(spec_.path);
    if (!opened) return fail(opened.error(), now);
    file_ = std::move(*opened);
    device_ = file_->device();
    size_ = file_->size().value_or(0);
    began_ = size_ > 0 ? std::min(file_->born(), seconds_of(now)) : seconds_of(now);
    mid_line_.reset();
    looked_at_ = now.steady;
}

/// Others may have shortened the file, removed it or moved it away.
void log_file::look(moment now) {
    if (!file_) return;
    auto size = file_->size();
    bool lost = !size;
    if (!lost && now.steady >= looked_at_ + between_looks) {
        looked_at_ = now.steady;
        lost = !file_->is_at(spec_.path);
    }
    if (lost) {
        file_.reset();
        return open(now);
    }
    if (*size == size_) return;
    size_ = *size;
    mid_line_.reset();
}

// ---- Taking ----

void log_file::begin_taking(moment now) {
    look(now);
    if (size_ == 0) began_ = seconds_of(now);
}

void log_file::take(writer_id from, int pipe, std::size_t size, moment now, bool insists) {
    begin_taking(now);
    bool held = !insists && is_held_from(from, now);
    std::array<char, chunk_size> chunk;
    while (size > 0) {
        if (std::size_t blind = held ? 0 : take_blindly(from, pipe, size, now); blind > 0) {
            size -= blind;
            continue;
        }
        std::size_t came = os::read_bytes(pipe, {chunk.data(), std::min(size, chunk.size())});
        if (came == 0) break; // there was less than the caller said
        std::string_view text(chunk.data(), came);
        held ? hold(from, text) : take_text(from, text, now);
        size -= came;
    }
    release(now);
}

void log_file::take(writer_id from, std::string_view text, moment now, bool insists) {
    begin_taking(now);
    !insists&& is_held_from(from, now) ? hold(from, text) : take_text(from, text, now);
    release(now);
}

void log_file::note_gap(writer_id from, std::size_t size, moment now) {
    count_.dropped += size;
    if (writers_[from].held)
        hold(from, "\n");
    else if (!writers_[from].unwritten.empty() || (last_writer_ == from && text_ends_mid_line()))
        take(from, "\n", now);
}

std::size_t log_file::take_blindly(writer_id from, int pipe, std::size_t size, moment now) {
    if (!file_ || failing_ || !splices_) return 0;
    if (is_due(now) && !ends_mid_line()) rotate(now);
    file_end end{size_ + writers_[from].unwritten.size(), limit(now), is_due(now), false};
    std::size_t blind = blind_part(size, is_shared(), end);
    if (blind == 0) return 0;
    begin_turn(from, now);
    write_unwritten(from, now);
    if (!file_ || failing_) return 0;
    ssize_t written = file_->write_from(pipe, std::min(blind, largest_write), size_);
    if (written == -EINVAL)
        splices_ = false;
    else if (written <= 0)
        fail({spec_.path, written < 0 ? static_cast<int>(-written) : EIO}, now);
    if (written <= 0) return 0;
    wrote(static_cast<std::size_t>(written));
    mid_line_.reset();
    return static_cast<std::size_t>(written);
}

void log_file::take_text(writer_id from, std::string_view text, moment now) {
    auto most = limit(now);
    bool near = most && size_ + text.size() + longest_partial > *most;
    if (is_shared() || near) return take_lines(from, text, now);
    begin_turn(from, now);
    write_unwritten(from, now);
    add(text, now);
}

/// Does not write a line before its end has come.
void log_file::take_lines(writer_id from, std::string_view text, moment now) {
    std::string& begun = writers_[from].unwritten;
    std::size_t whole = text.rfind('\n') + 1; // 0: there is no end of a line
    if (whole > 0) {
        begin_turn(from, now);
        if (begun.empty()) {
            add(text.substr(0, whole), now);
        } else { // in one piece, since a rotation may be near
            std::string lines = std::exchange(begun, {});
            add(lines.append(text.substr(0, whole)), now);
        }
    }
    begun += text.substr(whole);
    if (begun.size() > longest_partial) write_unwritten(from, now);
}

// ---- Writing ----

void log_file::add(std::string_view text, moment now) {
    if (file_ && !failing_) text.remove_prefix(put(text, now));
    if (!text.empty()) keep(text);
}

/// Writes as much as possible, with the rotations that are due. Returns the number of bytes.
std::size_t log_file::put(std::string_view text, moment now) {
    std::size_t done = 0;
    while (done < text.size() && file_) {
        std::size_t part = next_part(text.substr(done), now);
        if (part == 0) {
            rotate(now);
            continue;
        }
        ssize_t written = file_->write(text.substr(done, part), size_);
        if (written <= 0) {
            fail({spec_.path, written < 0 ? static_cast<int>(-written) : EIO}, now);
            break;
        }
        done += static_cast<std::size_t>(written);
        wrote(static_cast<std::size_t>(written));
        mid_line_ = text[done - 1] != '\n';
    }
    return done;
}

std::size_t log_file::next_part(std::string_view text, moment now) const {
    file_end end{size_, limit(now), is_due(now), false};
    bool decides = end.due || (end.limit && size_ + text.size() > *end.limit);
    if (!decides) return text.size();
    end.mid_line = ends_mid_line();
    return writable_part(text, end);
}

void log_file::wrote(std::size_t size) {
    size_ += size;
    count_.bytes += size;
}

/// Drops more than necessary, since moving the rest is expensive.
void log_file::keep(std::string_view text) {
    pending_ += text;
    if (pending_.size() <= pending_limit_) return;
    std::size_t least = pending_.size() - (pending_limit_ - pending_limit_ / 16);
    std::size_t newline = pending_.find('\n', least - 1);
    std::size_t drop = newline == std::string::npos ? pending_.size() : newline + 1;
    pending_.erase(0, drop);
    count_.dropped += drop;
    cut_ = true;
}

// ---- Deadlines ----

std::optional<core::time_point> log_file::next_deadline(moment now) const {
    if (any_held_) return held_since_.value_or(now.steady) + patience;
    if (failing_) return retry_at_;
    const auto* rule = std::get_if<config::time_rotation>(&spec_.rotate);
    if (!rule || !file_ || size_ == 0) return std::nullopt;
    wall_time due = next_rotation(*rule, began_);
    if (now.wall < due) return now.steady + std::min<core::duration>(due - now.wall, longest_wait);
    if (ends_mid_line()) return std::nullopt; // at the end of the line
    return std::max(now.steady, rotate_again_at_);
}

void log_file::tend(moment now) {
    release(now);
    if (failing_ && now.steady >= retry_at_) try_again(now);
    if (file_ && !failing_ && is_due(now) && !ends_mid_line()) rotate(now);
}

void log_file::flush(moment now) {
    for (const auto& [id, ignored] : unwritten())
        write_unwritten(id, now);
    if (failing_) try_again(now);
    if (pending_.empty()) return;
    count_.dropped += pending_.size();
    notes_.push_back({core::severity::warning, spec_.path + ": the last " +
                                                   std::to_string(pending_.size()) +
                                                   " bytes of output could not be written"});
    pending_.clear();
}

void log_file::try_again(moment now) {
    retry_at_ = now.steady + pause_after_failure;
    if (file_ && !file_->is_at(spec_.path)) file_.reset();
    if (!file_) open(now);
    if (!file_) return;
    std::uint64_t errors = count_.errors;
    if (cut_ && ends_mid_line() && put("\n", now) == 0) return;
    cut_ = false;
    pending_.erase(0, put(pending_, now));
    if (pending_.empty() && file_ && count_.errors == errors) recover();
}

// ---- Rotation ----

void log_file::rotate(moment now) {
    auto directory = os::guarded_directory::of(spec_.path);
    auto moved = directory ? move_away(*directory) : os::result<void>(directory.error());
    if (!moved) {
        rotate_again_at_ = now.steady + pause_after_failure;
        return count_error(moved.error(), "; it is not rotated, trying again every second");
    }
    file_.reset();
    open(now);
}

os::result<void> log_file::move_away(const os::guarded_directory& directory) {
    if (!file_->is_in(directory)) return {}; // somebody has moved it away already
    const auto* rule = std::get_if<config::time_rotation>(&spec_.rotate);
    auto moved = spec_.backups == 0 ? directory.remove(directory.base())
                 : rule             ? stamp_backup(directory, *rule)
                                    : renumber_backups(directory);
    if (!moved) return moved;
    ++count_.rotations;
    if (!failing_) told_.clear();
    return {};
}

os::result<void> log_file::renumber_backups(const os::guarded_directory& directory) {
    const std::string& name = directory.base();
    unsigned present = 0;
    while (present + 1 < spec_.backups && directory.has(numbered(name, present + 1)))
        ++present;
    for (auto [from, to] : renumber(present, spec_.backups))
        if (auto moved = directory.rename(numbered(name, from), numbered(name, to)); !moved)
            return moved;
    return {};
}

os::result<void> log_file::stamp_backup(const os::guarded_directory& directory,
                                        const config::time_rotation& rule) {
    const std::string& name = directory.base();
    auto moved = directory.rename(name, unused(directory, name + "." + stamp_of(rule, began_)));
    if (moved) remove_surplus(directory, rule);
    return moved;
}

void log_file::remove_surplus(const os::guarded_directory& directory,
                              const config::time_rotation& rule) {
    const std::string& base = directory.base();
    auto names = directory.names_beginning(base + ".");
    if (!names) return count_error(names.error(), "; old backups stay");
    for (const std::string& name : surplus_backups(std::move(*names), base, rule, spec_.backups))
        if (auto removed = directory.remove(name); !removed)
            count_error(removed.error(), "; this old backup stays");
}

// ---- Trouble ----

/// Reports an error once, and again only after a different one.
void log_file::count_error(const os::os_error& why, std::string_view consequence) {
    ++count_.errors;
    count_.last_error = why.message();
    if (told_ == count_.last_error) return;
    told_ = count_.last_error;
    notes_.push_back({core::severity::warning, told_ + std::string(consequence)});
}

void log_file::fail(const os::os_error& why, moment now) {
    if (!failing_) dropped_before_ = count_.dropped;
    failing_ = true;
    retry_at_ = now.steady + pause_after_failure;
    count_error(why, "; the last " + std::to_string(pending_limit_ / 1024) +
                         " KiB of output are kept, trying again every second");
}

void log_file::recover() {
    failing_ = false;
    told_.clear();
    std::uint64_t lost = count_.dropped - dropped_before_;
    std::string what = spec_.path + " is written again";
    if (lost > 0) what += "; " + std::to_string(lost) + " bytes were dropped";
    notes_.push_back({lost > 0 ? core::severity::warning : core::severity::info, what});
}

} // namespace einhyrningsins::output
