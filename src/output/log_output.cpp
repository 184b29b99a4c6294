// SPDX-License-Identifier: GPL-3.0-or-later
#include "output/log_output.hpp"

#include <algorithm>
#include <new>
#include <utility>

namespace einhyrningsins::output {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t most_kept = 64 * 1024;
/// Lines wait for the helper thread even if the disk is healthy.
constexpr std::size_t most_kept_for_file = 1024 * 1024;
/// Between two attempts, when all have failed for long.
constexpr core::duration longest_pause = 1min;
/// How long the helper thread waits for another line before it ends.
constexpr auto linger = 100ms;

} // namespace

log_output::log_output(boost::asio::io_context& context)
    : descriptor_(std::make_shared<os::log_descriptor>()),
      retry_(context,
             [this] {
                 go_on();
                 tell_dropped();
             }),
      writable_(context,
                [this] {
                    write_kept();
                    tell_dropped();
                }),
      settling_(context, [] { return os::os_error{"standard error, a file, does not answer"}; }),
      jobs_(context, {.linger = linger}) {}

void log_output::write(std::string_view line) {
    if (descriptor_->is_file() || !kept_.empty() || settling_.has_begun()) {
        keep(line);
        return go_on(); // last time there may have been no memory to do so
    }
    ssize_t written = descriptor_->write_some(line);
    bool failed = written < 0 && written != -EAGAIN; // closed, say, or a device that is full
    takes_ = !failed;
    if (failed) return drop(line);
    kept_ = line.substr(written < 0 ? 0 : static_cast<std::size_t>(written));
    go_on();
}

void log_output::continue_with(std::string_view unwritten) {
    kept_ += unwritten;
    go_on();
}

/// What the job that is under way, or has failed, has still to write.
std::string_view log_output::rest_of_job() const {
    return writing_ ? std::string_view(*writing_).substr(written_) : std::string_view();
}

void log_output::keep(std::string_view line) {
    std::size_t most = descriptor_->is_file() ? most_kept_for_file : most_kept;
    if (rest_of_job().size() + kept_.size() + line.size() > most)
        drop(line);
    else
        kept_ += line;
}

void log_output::drop(std::string_view lines) {
    note_dropped(static_cast<std::size_t>(std::ranges::count(lines, '\n')));
}

/// If the line that tells so is dropped as well, the number stays the same.
void log_output::tell_dropped() {
    bool is_well = takes_ && kept_.empty() && !writing_;
    if (dropped_ == 0 || !recovered_ || !is_well) return;
    std::size_t lost = std::exchange(dropped_, 0);
    recovered_(lost);
    if (dropped_ > 0) dropped_ += lost - 1;
}

/// Has what is kept written as soon as that is possible.
void log_output::go_on() {
    if (settling_.has_begun()) return;
    if (descriptor_->is_file()) return write_file();
    if (!kept_.empty() && !writable_.is_watching()) write_kept();
}

/// After a pause that becomes longer with each failure: an idle master hardly ever wakes up for a
/// file that can never be written.
void log_output::try_again() {
    if (retry_.is_set()) return;
    retry_.after(pause_);
    pause_ = std::min(2 * pause_, longest_pause);
}

// ---- Pipes, sockets and terminals ----

void log_output::await_writable() {
    if (writable_.is_watching()) return;
    auto watch = descriptor_->watch_writable();
    if (!watch || !writable_.watch(watch->get())) return try_again(); // out of descriptors, say
    watch_ = std::move(*watch);
}

void log_output::write_kept() {
    ssize_t written = kept_.empty() ? 0 : descriptor_->write_some(kept_);
    if (written != -EAGAIN) {
        takes_ = written >= 0;
        if (!takes_) drop(kept_);
        kept_.erase(0, takes_ ? static_cast<std::size_t>(written) : kept_.size());
        note_progress();
    }
    if (!kept_.empty()) return await_writable();
    writable_.cancel();
    watch_.reset();
    retry_.cancel();
}

// ---- Files ----

void log_output::write_file() {
    if (is_writing_ || retry_.is_set() || (kept_.empty() && !writing_)) return;
    is_writing_ = true; // also for lines that are logged because no thread can be started
    is_writing_ = begin_job();
    if (!is_writing_) try_again();
}

/// Has a helper thread write. Returns false if there are no descriptors or no memory for that.
bool log_output::begin_job() noexcept {
    try {
        if (!writing_) {
            auto fresh = std::make_shared<std::string>();
            fresh->swap(kept_);
            writing_ = std::move(fresh);
        }
        auto begun = jobs_.run(
            [text = writing_, from = written_, to = descriptor_] {
                return to->write_all(std::string_view(*text).substr(from));
            },
            [this](const os::result<std::size_t>& done) { note_written(done ? *done : 0); });
        if (!begun) return false;
        job_ = std::move(*begun);
        return true;
    } catch (const std::bad_alloc&) {
        return false;
    }
}

void log_output::note_written(std::size_t size) {
    is_writing_ = false;
    written_ += size;
    if (size > 0) note_progress();
    if (rest_of_job().empty()) {
        writing_.reset();
        written_ = 0;
    } else {
        try_again(); // a full disk, say
    }
    if (settling_.is_waiting()) return go_on_settling();
    tell_dropped();
    go_on();
}

// ---- The end ----

void log_output::settle(core::duration longest, loop::settling::handler settled) {
    settling_.begin(longest, std::move(settled));
    if (!is_writing_) settling_.succeed();
}

/// What was kept while the job was under way comes first.
void log_output::go_on_settling() {
    write_file();
    if (!is_writing_) settling_.succeed();
}

void log_output::resume() {
    settling_.end();
    go_on();
    tell_dropped();
}

void log_output::finish(core::duration longest) {
    retry_.cancel(); // a last attempt
    resume();
    auto deadline = core::time_point::clock::now() + longest;
    while (is_writing_) {
        auto left = deadline - core::time_point::clock::now();
        if (left <= left.zero()) return;
        jobs_.wait(left);
    }
}

} // namespace einhyrningsins::output
