// SPDX-License-Identifier: GPL-3.0-or-later
#include "output/capture.hpp"
#include "core/assert.hpp"

#include "os/low_numbers.hpp"
#include "os/own_process.hpp"

#include <algorithm>
#include <iterator>
#include <thread>
#include <utility>

namespace einhyrningsins::output {
namespace {

using namespace std::chrono_literals;

/// How much one turn takes at most, so that other work is done within a millisecond or two.
constexpr std::size_t turn_budget = 2 * 1024 * 1024;
/// A stream that is readable again so soon, or has that much at once, is read at intervals.
constexpr core::duration soon = 5ms;
constexpr std::size_t much = 32 * 1024;
constexpr core::duration shortest_pause = 500us;
constexpr core::duration longest_pause = 10ms;
/// How often in a row a busy stream must be empty before it is watched again.
constexpr int patience_with_silence = 3;

} // namespace

struct capture::stream {
    os::unique_fd fd;
    log_channel* channel;
    writer_id id;
    model::stream_owner owner;
    std::size_t room;     ///< what its pipe holds
    bool grows = true;    ///< false once the system has refused
    bool large = false;   ///< it has so much output that copying it costs too much
    std::size_t came = 0; ///< in the last turn
    bool full = false;    ///< or nearly, in the last turn: the worker may be waiting
    bool waits = false;   ///< for its file
    int silences = 0;
    core::time_point last_news{};
    std::size_t taken_at_end = 0; ///< bytes, in drain()
};

capture::capture(boost::asio::io_context& context, const model::logs_state& state, reporter report)
    : report_(std::move(report)),
      last_id_(state.last_id),
      text_(std::make_unique_for_overwrite<text_space>()),
      pause_(1ms),
      rhythm_(context, [this] { work(); }),
      deadline_(context, [this] { tend(); }),
      readable_(context, [this] { on_readable(); }),
      files_(context, {.done = [this](log_channel& channel) { on_done(channel); },
                       .report = [this](const note& what) { report_(what); }}) {
    for (const model::log_file_state& known : state.files)
        channels_[known.spec.path] = std::make_unique<log_channel>(known);
    share_memory();
    auto ready = state.streams.empty() ? os::result<void>() : prepare();
    if (!ready) report_({core::severity::error, "output of workers: " + ready.error().message()});
    for (const model::stream_state& known : state.streams)
        adopt(known);
    for (const auto& [path, channel] : channels_)
        files_.submit(*channel);
}

capture::~capture() = default;

os::result<void> capture::prepare() {
    if (watched_) return {};
    auto watched = os::readable_set::make();
    if (!watched) return watched.error();
    if (auto done = readable_.watch(watched->fd()); !done) return done;
    watched_ = std::move(*watched);
    return {};
}

log_channel& capture::channel_for(const config::log_spec& spec) {
    if (log_channel* known = find(spec.path)) {
        known->change(spec);
        known->set_wanted(true);
        return *known;
    }
    auto& made = channels_[spec.path];
    made = std::make_unique<log_channel>(model::log_file_state{.spec = spec});
    share_memory();
    return *made;
}

log_channel* capture::find(const std::string& path) const {
    auto known = channels_.find(path);
    return known == channels_.end() ? nullptr : known->second.get();
}

void capture::share_memory() {
    for (auto& [path, channel] : channels_)
        channel->limit_pending(pending_limit(channels_.size()));
}

capture::stream& capture::insert(os::unique_fd fd, log_channel& channel, writer_id id,
                                 model::stream_owner owner) {
    int number = fd.get();
    ++groups_[owner.group].open;
    auto made = std::make_unique<stream>(
        stream{std::move(fd), &channel, id, std::move(owner), os::pipe_size(number)});
    return *(streams_[number] = std::move(made));
}

os::result<os::unique_fd> capture::add(const config::log_spec& spec, model::stream_owner owner) {
    if (auto ready = prepare(); !ready) return ready.error();
    auto pipe = os::make_pipe();
    if (!pipe) return pipe.error();
    os::leave_low_numbers(pipe->read);
    log_channel& channel = channel_for(spec);
    stream& made = insert(std::move(pipe->read), channel, ++last_id_, std::move(owner));
    channel.join(made.id);
    watch(made);
    files_.submit(channel);
    return std::move(pipe->write);
}

void capture::adopt(const model::stream_state& from) {
    os::unique_fd fd(from.fd);
    log_channel* channel = find(from.path);
    if (!channel) return;
    channel->join(from.id, from.partial);
    if (fd && watched_)
        make_busy(insert(std::move(fd), *channel, from.id, from.owner));
    else
        channel->end(from.id);
}

// ---- What others may see ----

void capture::settle(core::duration longest, std::function<void(os::result<void>)> settled) {
    readable_.cancel();
    rhythm_.cancel();
    deadline_.cancel();
    files_.settle(longest, std::move(settled));
}

void capture::resume() {
    files_.resume();
    if (watched_)
        if (auto done = readable_.watch(watched_->fd()); !done)
            report_({core::severity::error, "output of workers: " + done.error().message()});
    if (!busy_.empty()) rhythm_.soon();
    for (const auto& [path, channel] : channels_) {
        note_deadline(*channel);
        files_.submit(*channel);
    }
}

model::logs_state capture::state() const {
    model::logs_state all{last_id_, {}, {}};
    std::map<writer_id, const stream*> open;
    for (const auto& [fd, known] : streams_)
        open[known->id] = known.get();
    auto add = [&](writer_id id, const std::string& path, std::string unwritten) {
        auto found = open.extract(id);
        const stream* known = found ? found.mapped() : nullptr;
        all.streams.push_back({id, known ? known->fd.get() : -1, path, std::move(unwritten),
                               known ? known->owner : model::stream_owner{}});
    };
    for (const auto& [path, channel] : channels_) {
        all.files.push_back(channel->state());
        for (auto& [id, unwritten] : channel->unwritten())
            add(id, path, std::move(unwritten));
    }
    while (!open.empty()) // their first job has failed
        add(open.begin()->first, open.begin()->second->channel->path(), {});
    return all;
}

std::optional<log_status> capture::status(const std::string& path) const {
    const log_channel* channel = find(path);
    if (!channel) return std::nullopt;
    const log_view& view = channel->view();
    log_status shown{path, view.count, channel->pending(), view.failing || channel->is_stuck()};
    shown.count.dropped = channel->dropped();
    if (channel->is_stuck()) shown.count.last_error = path + ": " + log_scheduler::no_answer;
    return shown;
}

void capture::keep_only(const std::function<bool(const std::string&)>& wanted) {
    for (auto& [path, channel] : channels_)
        channel->set_wanted(wanted(path));
    forget_unwanted();
}

void capture::forget_unwanted() {
    auto is_unwanted = [](const log_channel& channel) {
        return !channel.is_wanted() && !channel.is_used() && channel.is_idle();
    };
    std::size_t before = channels_.size();
    for (auto known = channels_.begin(); known != channels_.end();) {
        auto next = std::next(known);
        if (is_unwanted(*known->second)) files_.close(std::move(channels_.extract(known).mapped()));
        known = next;
    }
    if (channels_.size() < before) share_memory();
}

// ---- Streams of what was left behind ----

std::size_t
capture::close_orphans(const std::string& group,
                       const std::function<bool(const model::stream_owner&)>& is_alive) {
    std::size_t most = orphan_limit(groups_.size(), os::descriptor_limit());
    if (!may_exceed(group, most)) return 0;
    std::map<writer_id, stream*> orphans; // the oldest first
    for (const auto& [fd, known] : streams_)
        if (known->owner.group == group && !is_alive(known->owner))
            orphans[known->id] = known.get();
    auto beyond = [&](std::size_t limit) {
        return orphans.size() - std::min(orphans.size(), limit);
    };
    std::size_t surplus = beyond(most), urgent = beyond(2 * most), closed = 0;
    for (auto next = orphans.begin(); surplus > 0; --surplus)
        if (close(*(next++)->second, closed < urgent)) ++closed;
    submit_all();
    return closed;
}

/// Whether it is time to count the orphans of the group, which takes long if it has many streams.
bool capture::may_exceed(const std::string& group, std::size_t limit) {
    auto known = groups_.find(group);
    if (known == groups_.end() || known->second.open <= limit) return false;
    if (++known->second.added < std::max<std::size_t>(limit / 8, 1)) return false;
    known->second.added = 0;
    return true;
}

/// Closes it if all that is in it can be taken now, or has to be lost. Returns whether it did.
bool capture::close(stream& from, bool is_urgent) {
    if (!drain(from) && !is_urgent) return false;
    auto place = std::ranges::find(busy_, &from);
    if (place != busy_.end() && place - busy_.begin() < static_cast<std::ptrdiff_t>(cursor_))
        --cursor_;
    if (place != busy_.end()) busy_.erase(place);
    abandon(from);
    return true;
}

/// Ends it whatever is left in it, which is counted.
void capture::abandon(stream& from) {
    from.channel->lose(from.id, os::bytes_in(from.fd.get()).value_or(0));
    end(from);
}

// ---- Streams that have little to say ----

void capture::on_readable() {
    moment now = moment::now();
    std::size_t taken = 0;
    for (int fd : watched_->readable()) {
        if (taken > turn_budget) break; // the rest is still readable
        auto known = streams_.find(fd);
        assert(known != streams_.end()); // end() takes it out of what is watched
        stream& from = *known->second;
        bool again_soon = now.steady < from.last_news + soon;
        from.last_news = now.steady;
        outcome what = take_turn(from, now);
        taken += from.came;
        if (what == outcome::ended)
            end(from);
        else if (again_soon || from.came >= much || what == outcome::held)
            make_busy(from);
    }
    submit_all();
}

/// If the system has no room for the watch, the stream is read at intervals.
void capture::watch(stream& from) {
    if (!watched_->add(from.fd.get())) make_busy(from);
}

void capture::make_busy(stream& from) {
    watched_->remove(from.fd.get());
    from.silences = 0;
    busy_.push_back(&from);
    core::duration pause = from.full && !from.waits ? 0ms : pause_;
    any_waits_ |= from.waits;
    if (busy_.size() == 1) next_pass_ = moment::now().steady + pause;
    if (!rhythm_.is_set() && !files_.is_paused()) rhythm_.after(pause);
}

// ---- Streams that have much to say ----

void capture::work() {
    moment now = moment::now();
    if (cursor_ == 0) begin_pass(now);
    std::size_t taken = 0;
    while (cursor_ < busy_.size() && taken <= turn_budget) {
        stream& from = *busy_[cursor_];
        bool has_turn = pass_over_all_ || from.full || from.waits;
        outcome what = has_turn ? take_turn(from, now) : outcome::some;
        if (has_turn) taken += from.came;
        if (!has_turn || stays_busy(from, what)) {
            ++cursor_;
            continue;
        }
        busy_[cursor_] = busy_.back();
        busy_.pop_back();
        what == outcome::ended ? end(from) : watch(from);
    }
    submit_all();
    if (cursor_ < busy_.size()) return rhythm_.soon();
    end_pass(now);
}

void capture::begin_pass(moment now) {
    pass_over_all_ = now.steady >= next_pass_;
    fullest_ = 0;
    any_full_ = any_waits_ = false;
}

/// The interval is adapted so that the pipes become half full: fewer turns are less work for all.
void capture::end_pass(moment now) {
    cursor_ = 0;
    if (pass_over_all_) {
        if (fullest_ > 50) pause_ = std::max(pause_ / 2, shortest_pause);
        if (fullest_ < 25) pause_ = std::min(pause_ * 3 / 2, longest_pause);
        next_pass_ = now.steady + pause_;
    }
    if (busy_.empty()) return;
    if (any_full_ && files_.is_quiet()) return rhythm_.soon();
    any_waits_ |= any_full_; // for what was moved in this pass
    rhythm_.at(next_pass_);
}

bool capture::stays_busy(stream& from, outcome what) {
    if (what == outcome::ended) return false;
    from.silences = what == outcome::empty ? from.silences + 1 : 0;
    if (from.room > 0) fullest_ = std::max(fullest_, from.came * 100 / from.room);
    any_full_ |= from.full;
    any_waits_ |= from.waits;
    return from.silences < patience_with_silence;
}

capture::outcome capture::take_turn(stream& from, moment now) {
    log_channel& to = *from.channel;
    from.came = 0;
    from.full = from.waits = false;
    if (to.must_wait(from.id, now.steady)) return outcome::held;
    turn next = next_turn({.is_large = from.large,
                           .can_start = from.large && files_.can_start(to),
                           .can_be_piped = to.can_take_piped(from.id),
                           .piped = to.piped(),
                           .waiting = to.waiting(),
                           .room = to.room(),
                           .is_slow = files_.is_slow(to),
                           .is_stuck = to.is_stuck()});
    switch (next.what) {
    case turn::kind::wait: return await_file(from);
    case turn::kind::read: return read(from, next.most);
    case turn::kind::move: break;
    }
    return move(from);
}

capture::outcome capture::await_file(stream& from) {
    from.waits = true;
    files_.await(*from.channel);
    return outcome::held;
}

capture::outcome capture::read(stream& from, std::size_t most) {
    ssize_t size = os::read_some(from.fd.get(), {text_->data(), most});
    if (size > 0) from.channel->take(from.id, {text_->data(), static_cast<std::size_t>(size)});
    return took(from, size, most);
}

/// Lets the worker go on while the file is written.
capture::outcome capture::move(stream& from) {
    log_channel& to = *from.channel;
    if (!to.pipe()) {
        auto pipe = files_.take_pipe(largest_pipe);
        if (!pipe && to.room() == 0) return await_file(from);
        if (!pipe) return read(from, std::min(to.room(), largest_read));
        to.pipe() = std::move(*pipe);
    }
    ssize_t size = os::move_bytes(from.fd.get(), to.pipe()->write.get(), largest_pipe);
    if (size == -EAGAIN && to.piped() > 0) return await_file(from); // the pipe may be full
    if (size > 0) to.take_piped(from.id, static_cast<std::size_t>(size));
    return took(from, size, largest_pipe);
}

capture::outcome capture::took(stream& from, ssize_t size, std::size_t most) {
    if (size == -EAGAIN) return outcome::empty;
    if (size <= 0) return outcome::ended;
    from.came = static_cast<std::size_t>(size);
    touched_.push_back(from.channel);
    from.large = from.came >= std::min(much, most);
    bool pipe_was_full = from.came >= from.room / 4 * 3;
    from.full = pipe_was_full || from.came == most;
    if (!from.full) return outcome::some;
    if (pipe_was_full && from.grows && from.room < largest_pipe) {
        std::size_t room = os::resize_pipe(from.fd.get(), from.room * 4);
        from.grows = room > from.room;
        from.room = room;
    }
    return outcome::full;
}

void capture::end(stream& from) {
    from.channel->end(from.id);
    touched_.push_back(from.channel);
    // Closing is not enough: a forked process may have a copy.
    watched_->remove(from.fd.get());
    auto group = groups_.find(from.owner.group);
    if (--group->second.open == 0) groups_.erase(group);
    streams_.erase(from.fd.get());
}

void capture::submit_all() {
    while (!touched_.empty()) {
        log_channel* channel = touched_.back();
        touched_.pop_back();
        files_.submit(*channel);
    }
}

void capture::on_done(log_channel& channel) {
    note_deadline(channel);
    if (std::exchange(any_waits_, false) && !busy_.empty()) rhythm_.soon();
    if (!channel.is_wanted()) forget_unwanted();
}

// ---- The end ----

void capture::finish(core::duration longest) {
    core::time_point deadline = core::time_point::clock::now() + longest;
    if (files_.is_paused()) files_.resume();
    rhythm_.cancel();
    busy_.clear();
    cursor_ = 0;
    while (!streams_.empty() && core::time_point::clock::now() < deadline) {
        for (auto next = streams_.begin(); next != streams_.end();) {
            stream& from = *(next++)->second;
            if (drain(from)) abandon(from);
        }
        submit_all();
        if (files_.is_quiet()) std::this_thread::sleep_for(1ms); // a line's end is waited for
        files_.wait(std::min(deadline, core::time_point::clock::now() + 1ms));
    }
    for (auto& [path, channel] : channels_) {
        channel->flush();
        files_.submit(*channel);
    }
    if (!files_.wait(deadline)) report_loss();
}

/// Takes what can be taken now, within a bound: a worker may write without end. Returns false if
/// the rest has to wait for the file.
bool capture::drain(stream& from) {
    outcome what = outcome::some;
    while (from.taken_at_end <= 2 * largest_pipe &&
           (what == outcome::some || what == outcome::full)) {
        what = take_turn(from, moment::now());
        from.taken_at_end += from.came;
    }
    return what != outcome::held;
}

void capture::report_loss() {
    for (const auto& [path, channel] : channels_)
        if (channel->is_running() || channel->has_work())
            report_({core::severity::warning,
                     path + ": " + log_scheduler::no_answer + "; the last output may be lost"});
}

// ---- Deadlines of the files ----

void capture::note_deadline(const log_channel& channel) {
    auto due = channel.view().due;
    if (due && (!deadline_.is_set() || *deadline_.due() > *due)) deadline_.at(*due);
}

void capture::tend() {
    core::time_point now = core::time_point::clock::now();
    for (auto& [path, channel] : channels_) {
        auto due = channel->view().due;
        if (!due) continue;
        if (*due > now)
            note_deadline(*channel);
        else if (!channel->is_running())
            channel->tend();
        files_.submit(*channel);
    }
}

} // namespace einhyrningsins::output
