// SPDX-License-Identifier: GPL-3.0-or-later
#include "output/log_file.hpp"

#include "os/pipe.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace einhyrningsins::output {
namespace {

constexpr core::duration pause_after_failure = std::chrono::seconds(1);
/// A file that was moved away is noticed so soon, if something is written.
constexpr core::duration between_looks = std::chrono::seconds(1);
/// The clock may be set, so a deadline that is far away is looked at again.
constexpr core::duration longest_wait = std::chrono::hours(1);
constexpr std::size_t chunk_size = 64 * 1024;
/// The page cache takes a write in pieces of memory as large as it is, which is dear where there
/// are none that were used a moment ago: half the CPU time of writes of 1 MiB.
constexpr std::size_t largest_write = 256 * 1024;

wall_time seconds_of(moment now) { return std::chrono::floor<std::chrono::seconds>(now.wall); }

std::string numbered(const std::string& path, unsigned n) {
    return n == 0 ? path : path + "." + std::to_string(n);
}

/// The name that nobody has yet: `path`, `path`_2, ...
std::string unused(const std::string& path) {
    std::string name = path;
    for (unsigned n = 2; n < 10'000 && os::is_there(name); ++n)
        name = path + "_" + std::to_string(n);
    return name;
}

} // namespace

log_file::log_file(config::log_spec spec, reporter report, moment now)
    : spec_(std::move(spec)),
      report_(std::move(report)) {
    open(now);
}

log_file::log_file(config::log_spec spec, const file_state& state, reporter report, moment now)
    : spec_(std::move(spec)),
      report_(std::move(report)),
      last_writer_(state.last_writer),
      pending_(state.pending),
      cut_(state.cut),
      dropped_before_(state.dropped_before),
      count_(state.count) {
    // Its trouble was told by the other master.
    if (state.fd < 0 || !pending_.empty()) told_ = count_.last_error;
    if (state.fd < 0) {
        open(now);
    } else {
        file_ = os::output_file::adopt(os::unique_fd(state.fd));
        size_ = file_->size().value_or(0);
        began_ = wall_time(std::chrono::seconds(state.began));
    }
    if (!pending_.empty()) failing_ = true; // so that it is tried at once
}

file_state log_file::state() const {
    return {spec_.text,
            file_ ? file_->fd() : -1,
            began_.time_since_epoch().count(),
            last_writer_,
            pending_,
            cut_,
            dropped_before_,
            count_};
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

bool log_file::is_held_from(const writer& who, moment now) {
    bool alive = std::ranges::find(writers_, last_writer_) != writers_.end();
    if (!is_shared() || last_writer_ == who.id || !alive || !text_ends_mid_line()) return false;
    if (!held_since_) held_since_ = now.steady;
    return now.steady < *held_since_ + patience;
}

// ---- Opening ----

/// Takes the file as it is: it may have been there before.
void log_file::open(moment now) {
    auto opened = os::output_file::open(spec_.path);
    if (!opened) return fail(opened.error(), now);
    file_ = std::move(*opened);
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

void log_file::take(writer& from, int pipe, std::size_t size, moment now) {
    look(now);
    if (size_ == 0) began_ = seconds_of(now);
    std::array<char, chunk_size> chunk;
    while (size > 0) {
        if (std::size_t blind = take_blindly(from, pipe, size, now); blind > 0) {
            size -= blind;
            continue;
        }
        std::size_t came = os::read_bytes(pipe, {chunk.data(), std::min(size, chunk.size())});
        if (came == 0) break; // less was there than the caller said
        take_text(from, {chunk.data(), came}, now);
        size -= came;
    }
    if (held_since_ && !text_ends_mid_line()) held_since_.reset();
}

/// What was begun by another and will not be ended in time, or never, gets its end here.
void log_file::begin_turn(const writer& of, moment now) {
    if (last_writer_ != of.id && text_ends_mid_line()) add("\n", now);
    if (last_writer_ != of.id) held_since_.reset();
    last_writer_ = of.id;
}

std::size_t log_file::take_blindly(writer& from, int pipe, std::size_t size, moment now) {
    if (!file_ || failing_ || !splices_) return 0;
    if (is_due(now) && !ends_mid_line()) rotate(now);
    file_end end{size_ + from.partial.size(), limit(now), is_due(now), false};
    std::size_t blind = blind_part(size, is_shared(), end);
    if (blind == 0) return 0;
    begin_turn(from, now);
    add(std::exchange(from.partial, {}), now);
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

void log_file::take_text(writer& from, std::string_view text, moment now) {
    auto most = limit(now);
    bool near = most && size_ + text.size() + longest_partial > *most;
    if (is_shared() || near) return take_lines(from, text, now);
    begin_turn(from, now);
    add(std::exchange(from.partial, {}), now);
    add(text, now);
}

/// Keeps back the beginning of a line.
void log_file::take_lines(writer& from, std::string_view text, moment now) {
    std::size_t whole = text.rfind('\n') + 1; // 0: there is no end of a line
    if (whole > 0) {
        begin_turn(from, now);
        if (from.partial.empty()) {
            add(text.substr(0, whole), now);
        } else { // in one piece, since a rotation may be near
            std::string lines = std::exchange(from.partial, {});
            add(lines.append(text.substr(0, whole)), now);
        }
    }
    from.partial += text.substr(whole);
    if (from.partial.size() <= longest_partial) return;
    begin_turn(from, now);
    add(std::exchange(from.partial, {}), now);
}

void log_file::finish(writer& from, moment now) {
    if (!from.partial.empty()) {
        look(now);
        begin_turn(from, now);
        add(std::exchange(from.partial, {}), now);
    }
    std::erase(writers_, from.id);
}

// ---- Writing ----

void log_file::add(std::string_view text, moment now) {
    if (file_ && !failing_) text.remove_prefix(put(text, now));
    if (!text.empty()) keep(text);
}

/// Writes what goes, with the rotations that are due; how much that was.
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

/// Room is made in steps, since moving what stays has its price.
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

void log_file::share_pending(std::size_t files) {
    pending_limit_ = std::min(most_pending, most_pending_of_all / std::max<std::size_t>(files, 1));
}

// ---- Deadlines ----

std::optional<core::time_point> log_file::next_deadline(moment now) const {
    if (failing_) return retry_at_;
    const auto* rule = std::get_if<config::time_rotation>(&spec_.rotate);
    if (!rule || !file_ || size_ == 0) return std::nullopt;
    wall_time due = next_rotation(*rule, began_);
    if (now.wall < due) return now.steady + std::min<core::duration>(due - now.wall, longest_wait);
    if (ends_mid_line()) return std::nullopt; // at the end of the line
    return std::max(now.steady, rotate_again_at_);
}

void log_file::tend(moment now) {
    if (failing_ && now.steady >= retry_at_) try_again(now);
    if (file_ && !failing_ && is_due(now) && !ends_mid_line()) rotate(now);
}

void log_file::flush(moment now) {
    if (failing_) try_again(now);
    if (pending_.empty()) return;
    count_.dropped += pending_.size();
    report_(core::severity::warning, spec_.path + ": the last " + std::to_string(pending_.size()) +
                                         " bytes of output could not be written");
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
    if (file_->is_at(spec_.path)) { // else somebody has moved it away already
        if (auto moved = move_away(); !moved) {
            rotate_again_at_ = now.steady + pause_after_failure;
            return count_error(moved.error(), "; it is not rotated, trying again every second");
        }
        ++count_.rotations;
        if (!failing_) told_.clear();
    }
    file_.reset();
    open(now);
}

os::result<void> log_file::move_away() {
    if (spec_.backups == 0) return os::remove_file(spec_.path);
    const auto* rule = std::get_if<config::time_rotation>(&spec_.rotate);
    return rule ? stamp_backup(*rule) : renumber_backups();
}

os::result<void> log_file::renumber_backups() {
    unsigned present = 0;
    while (present + 1 < spec_.backups && os::is_there(numbered(spec_.path, present + 1)))
        ++present;
    for (auto [from, to] : renumber(present, spec_.backups))
        if (auto moved = os::rename_file(numbered(spec_.path, from), numbered(spec_.path, to));
            !moved)
            return moved;
    return {};
}

os::result<void> log_file::stamp_backup(const config::time_rotation& rule) {
    auto moved = os::rename_file(spec_.path, unused(spec_.path + "." + stamp_of(rule, began_)));
    if (moved) remove_surplus(rule);
    return moved;
}

void log_file::remove_surplus(const config::time_rotation& rule) {
    std::size_t slash = spec_.path.rfind('/');
    std::string folder = slash == std::string::npos ? "./" : spec_.path.substr(0, slash + 1);
    std::string base = slash == std::string::npos ? spec_.path : spec_.path.substr(slash + 1);
    auto names = os::names_beginning(folder, base + ".");
    if (!names) return count_error(names.error(), "; old backups stay");
    for (const std::string& name : surplus_backups(std::move(*names), base, rule, spec_.backups))
        if (auto removed = os::remove_file(folder + name); !removed)
            count_error(removed.error(), "; this old backup stays");
}

// ---- Trouble ----

/// Tells it once, and again only after something else was told.
void log_file::count_error(const os::os_error& why, std::string_view consequence) {
    ++count_.errors;
    count_.last_error = why.message();
    if (told_ == count_.last_error) return;
    told_ = count_.last_error;
    report_(core::severity::warning, told_ + std::string(consequence));
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
    if (lost == 0) return report_(core::severity::info, what);
    report_(core::severity::warning, what + "; " + std::to_string(lost) + " bytes were dropped");
}

} // namespace einhyrningsins::output
