// SPDX-License-Identifier: GPL-3.0-or-later
#include "output/capture.hpp"

#include "os/low_numbers.hpp"

#include <algorithm>
#include <cassert>

namespace einhyrningsins::output {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t largest_pipe = 1024 * 1024;
/// What one turn takes at most, so that other work has its turn within a millisecond or two.
constexpr std::size_t turn_budget = 2 * 1024 * 1024;
/// A stream that has news again so soon, or that much at once, is emptied in a rhythm.
constexpr core::duration soon = 5ms;
constexpr std::size_t much = 32 * 1024;
constexpr core::duration shortest_pause = 500us;
constexpr core::duration longest_pause = 10ms;
/// So often in a row a busy stream is found empty before it is watched again.
constexpr int patience_with_silence = 3;

} // namespace

struct capture::stream {
    os::unique_fd fd;
    log_file* file;
    writer who;
    std::size_t room;     ///< what its pipe holds
    bool grows = true;    ///< until the system refuses
    std::size_t came = 0; ///< with the last drain
    bool full = false;    ///< nearly, at the last drain: the worker may be waiting
    int silences = 0;
    core::time_point last_news{};
};

capture::capture(boost::asio::io_context& context, reporter report)
    : context_(context),
      report_(std::move(report)),
      readable_(context),
      rhythm_(context),
      pause_(1ms),
      deadline_(context) {}

capture::capture(boost::asio::io_context& context, const capture_state& state, reporter report)
    : capture(context, std::move(report)) {
    moment now = moment::now();
    last_id_ = state.last_id;
    for (const file_state& one : state.files) {
        os::unique_fd fd(one.fd);
        auto spec = config::parse_log_spec(one.spec);
        if (!spec) {
            report_(core::severity::error, "log file: " + spec.error().message);
            continue;
        }
        auto& file = files_[spec->path];
        file = std::make_unique<log_file>(*spec, one, report_, now);
        fd.release();
        note_deadline(*file, now);
    }
    share_memory();
    if (auto ready = prepare(); !ready)
        report_(core::severity::error, "output of workers: " + ready.error().message());
    for (const stream_state& one : state.streams)
        adopt(one);
}

capture::~capture() { readable_.release(); } // watched_ closes it

os::result<void> capture::prepare() {
    if (!through_) {
        auto pipe = os::make_pipe();
        if (!pipe) return pipe.error();
        os::resize_pipe(pipe->read.get(), largest_pipe);
        through_ = std::move(*pipe);
    }
    if (watched_) return {};
    auto watched = os::readable_set::make();
    if (!watched) return watched.error();
    boost::system::error_code error;
    readable_.assign(watched->fd(), error);
    if (error) return os::os_error{"epoll", error.value()};
    watched_ = std::move(*watched);
    wait_readable();
    return {};
}

log_file& capture::file_for(const config::log_spec& spec) {
    if (log_file* there = find(spec.path)) {
        there->change(spec);
        there->set_wanted(true);
        return *there;
    }
    auto& made = files_[spec.path];
    made = std::make_unique<log_file>(spec, report_, moment::now());
    share_memory();
    return *made;
}

log_file* capture::find(const std::string& path) const {
    auto there = files_.find(path);
    return there == files_.end() ? nullptr : there->second.get();
}

void capture::share_memory() {
    for (auto& [path, file] : files_)
        file->share_pending(files_.size());
}

capture::stream& capture::insert(os::unique_fd fd, log_file& file, writer who) {
    int number = fd.get();
    file.attach(who.id);
    auto made = std::make_unique<stream>(
        stream{std::move(fd), &file, std::move(who), os::pipe_size(number)});
    return *(streams_[number] = std::move(made));
}

os::result<os::unique_fd> capture::add(const config::log_spec& spec) {
    if (auto ready = prepare(); !ready) return ready.error();
    auto pipe = os::make_pipe();
    if (!pipe) return pipe.error();
    os::leave_low_numbers(pipe->read);
    log_file& file = file_for(spec);
    watch(insert(std::move(pipe->read), file, writer{++last_id_, {}}));
    note_deadline(file, moment::now());
    return std::move(pipe->write);
}

void capture::adopt(const stream_state& from) {
    os::unique_fd fd(from.fd);
    log_file* file = find(from.path);
    if (!file) return;
    if (fd && through_) {
        make_busy(insert(std::move(fd), *file, writer{from.id, from.partial}));
        return;
    }
    writer gone{from.id, from.partial};
    file->attach(gone.id);
    file->finish(gone, moment::now());
}

// ---- What others may see ----

capture_state capture::state() const {
    capture_state all{last_id_, {}, {}};
    for (const auto& [path, file] : files_)
        all.files.push_back(file->state());
    for (const auto& [fd, one] : streams_)
        all.streams.push_back({one->who.id, fd, one->file->spec().path, one->who.partial});
    return all;
}

std::optional<log_status> capture::status(const std::string& path) const {
    const log_file* file = find(path);
    if (!file) return std::nullopt;
    return log_status{path, file->count(), file->pending(), file->is_failing()};
}

void capture::keep_only(const std::function<bool(const std::string&)>& wanted) {
    for (auto& [path, file] : files_)
        file->set_wanted(wanted(path));
    forget_unwanted();
}

void capture::forget_unwanted() {
    auto gone = std::erase_if(files_, [](const auto& one) {
        const log_file& file = *one.second;
        return !file.is_wanted() && !file.is_used() && file.pending() == 0;
    });
    if (gone > 0) share_memory();
}

// ---- Streams that have little to say ----

void capture::wait_readable() {
    auto alive = std::weak_ptr(alive_);
    readable_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                         [this, alive](const boost::system::error_code& error) {
                             if (!error && !alive.expired()) on_readable();
                         });
}

void capture::on_readable() {
    moment now = moment::now();
    std::size_t taken = 0;
    for (int fd : watched_->readable()) {
        if (taken > turn_budget) break; // the rest is still readable
        auto there = streams_.find(fd);
        assert(there != streams_.end()); // end() takes it out of what is watched
        stream& one = *there->second;
        bool again_soon = now.steady < one.last_news + soon;
        one.last_news = now.steady;
        outcome what = take_turn(one, now);
        taken += one.came;
        if (what == outcome::ended)
            end(one, now);
        else if (again_soon || one.came >= much || what == outcome::held)
            make_busy(one);
    }
    wait_readable();
}

/// Falls back to looking now and then, where the system has no room for the watch.
void capture::watch(stream& one) {
    if (!watched_->add(one.fd.get())) make_busy(one);
}

void capture::make_busy(stream& one) {
    watched_->remove(one.fd.get());
    one.silences = 0;
    busy_.push_back(&one);
    if (busy_.size() == 1) next_pass_ = moment::now().steady + (one.full ? 0ms : pause_);
    if (!scheduled_) schedule(one.full ? 0ms : pause_);
}

// ---- Streams that have much to say ----

void capture::schedule(core::duration pause) {
    scheduled_ = true;
    auto alive = std::weak_ptr(alive_);
    rhythm_.expires_after(std::max(pause, core::duration::zero()));
    rhythm_.async_wait([this, alive](const boost::system::error_code& error) {
        if (!error && !alive.expired()) work();
    });
}

void capture::work() {
    scheduled_ = false;
    moment now = moment::now();
    if (cursor_ == 0) begin_pass(now);
    std::size_t taken = 0;
    while (cursor_ < busy_.size() && taken <= turn_budget) {
        stream& one = *busy_[cursor_];
        bool has_turn = pass_over_all_ || one.full;
        outcome what = has_turn ? take_turn(one, now) : outcome::some;
        if (has_turn) taken += one.came;
        if (!has_turn || stays_busy(one, what)) {
            ++cursor_;
            continue;
        }
        busy_[cursor_] = busy_.back();
        busy_.pop_back();
        what == outcome::ended ? end(one, now) : watch(one);
    }
    if (cursor_ < busy_.size()) return schedule(0ms);
    end_pass(now);
}

void capture::begin_pass(moment now) {
    pass_over_all_ = now.steady >= next_pass_;
    fullest_ = 0;
    any_full_ = false;
}

/// The rhythm lets the pipes become half full: the fewer turns, the less work for all.
void capture::end_pass(moment now) {
    cursor_ = 0;
    if (pass_over_all_) {
        if (fullest_ > 50) pause_ = std::max(pause_ / 2, shortest_pause);
        if (fullest_ < 25) pause_ = std::min(pause_ * 3 / 2, longest_pause);
        next_pass_ = now.steady + pause_;
    }
    if (!busy_.empty()) schedule(any_full_ ? 0ms : next_pass_ - moment::now().steady);
}

bool capture::stays_busy(stream& one, outcome what) {
    if (what == outcome::ended) return false;
    one.silences = what == outcome::empty ? one.silences + 1 : 0;
    if (one.room > 0) fullest_ = std::max(fullest_, one.came * 100 / one.room);
    any_full_ |= one.full;
    return one.silences < patience_with_silence;
}

capture::outcome capture::take_turn(stream& one, moment now) {
    if (!one.file->is_held_from(one.who, now)) return drain(one, now);
    one.came = 0;
    one.full = false;
    return outcome::held;
}

capture::outcome capture::drain(stream& one, moment now) {
    one.came = 0;
    one.full = false;
    // Moved out at once and without copying, so that the worker can go on while the file is
    // written.
    ssize_t came = os::move_bytes(one.fd.get(), through_->write.get(), largest_pipe);
    if (came == -EAGAIN) return outcome::empty;
    if (came <= 0) return outcome::ended;
    one.came = static_cast<std::size_t>(came);
    one.file->take(one.who, through_->read.get(), one.came, now);
    note_deadline(*one.file, now);
    one.full = one.came >= one.room / 4 * 3;
    if (!one.full) return outcome::some;
    if (one.grows && one.room < largest_pipe) {
        std::size_t room = os::resize_pipe(one.fd.get(), one.room * 4);
        one.grows = room > one.room;
        one.room = room;
    }
    return outcome::full;
}

void capture::end(stream& one, moment now) {
    one.file->finish(one.who, now);
    note_deadline(*one.file, now);
    // Closing would do, were it not for a copy in a process that was forked.
    watched_->remove(one.fd.get());
    bool unwanted = !one.file->is_wanted();
    streams_.erase(one.fd.get());
    if (unwanted) forget_unwanted();
}

void capture::finish(core::duration longest) {
    moment now = moment::now();
    auto deadline = now.steady + longest;
    for (auto& [fd, one] : streams_) {
        if (now = moment::now(); now.steady > deadline) break;
        std::size_t taken = 0; // a worker that writes on and on is not waited for
        while (taken < 2 * largest_pipe && drain(*one, now) != outcome::empty && one->came > 0)
            taken += one->came;
        one->file->finish(one->who, now);
        watched_->remove(fd);
    }
    busy_.clear();
    cursor_ = 0;
    streams_.clear();
    for (auto& [path, file] : files_)
        file->flush(now);
}

// ---- Deadlines of the files ----

void capture::note_deadline(const log_file& of, moment now) {
    auto due = of.next_deadline(now);
    if (!due || (tend_at_ && *tend_at_ <= *due)) return;
    tend_at_ = due;
    auto alive = std::weak_ptr(alive_);
    deadline_.expires_at(*due);
    deadline_.async_wait([this, alive](const boost::system::error_code& error) {
        if (!error && !alive.expired()) tend();
    });
}

void capture::tend() {
    moment now = moment::now();
    tend_at_.reset();
    for (auto& [path, file] : files_) {
        file->tend(now);
        note_deadline(*file, now);
    }
    forget_unwanted();
}

} // namespace einhyrningsins::output
