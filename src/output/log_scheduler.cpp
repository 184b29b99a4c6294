// SPDX-License-Identifier: GPL-3.0-or-later
#include "output/log_scheduler.hpp"

#include <algorithm>
#include <utility>

namespace einhyrningsins::output {
namespace {

using namespace std::chrono_literals;

constexpr unsigned most_threads = 16;
/// The number of threads for the files of one disk.
constexpr std::ptrdiff_t most_of_a_lane = 2;
/// If a job takes longer, the others do not wait for it.
constexpr core::duration slow = 20ms;
/// How long output waits for a job to begin, since jobs of other files come first.
constexpr core::duration long_wait = 100ms;
/// If it takes longer, that is reported, and its writers do not wait any more.
constexpr core::duration stuck = 3s;
constexpr core::duration pause_after_refusal = 1s;
/// How long a thread waits for another job before it ends.
constexpr auto linger = 100ms;
constexpr std::size_t most_spare_pipes = 1;

} // namespace

log_scheduler::log_scheduler(boost::asio::io_context& context, owner who)
    : owner_(std::move(who)),
      check_(context, [this] { check(); }),
      settling_(context, [this] { return why_not_settled(); }),
      jobs_(context, {.threads = most_threads, .jobs = 4096, .linger = linger}) {
    running_.reserve(most_threads); // so that nothing fails once a job has begun
}

// ---- Which jobs are done ----

bool log_scheduler::only_slow_ones_run() const {
    core::time_point now = core::time_point::clock::now();
    return std::ranges::all_of(running_,
                               [&](const running& one) { return now >= one.since + slow; });
}

void log_scheduler::await(log_channel& channel) const {
    channel.begin_wait(core::time_point::clock::now());
}

bool log_scheduler::is_slow(const log_channel& channel) const {
    core::time_point now = core::time_point::clock::now();
    auto one = std::ranges::find(running_, &channel, &running::channel);
    if (one != running_.end()) return now >= one->since + slow;
    return channel.waits_since() && now >= *channel.waits_since() + long_wait;
}

bool log_scheduler::is_queued(const log_channel& channel) const {
    return std::ranges::find(queue_, &channel) != queue_.end();
}

bool log_scheduler::can_start(const log_channel& channel) const {
    if (channel.is_running() || is_refused_) return false;
    if (running_.size() >= most_threads || !only_slow_ones_run()) return false;
    return std::ranges::count_if(running_, [&](const running& other) {
               return other.channel->lane() == channel.lane();
           }) < most_of_a_lane;
}

void log_scheduler::submit(log_channel& channel) {
    if (!channel.has_work() || channel.is_running() || is_queued(channel)) return;
    queue_.push_back(&channel);
    await(channel);
    start_all();
}

void log_scheduler::start_all() {
    if (is_paused() && !settling_.is_waiting()) return;
    for (std::size_t n = 0; n < queue_.size();) {
        log_channel& next = *queue_[n];
        if (!can_start(next)) {
            ++n;
            continue;
        }
        queue_.erase(queue_.begin() + static_cast<std::ptrdiff_t>(n));
        if (!start(next)) break;
    }
    plan_check();
}

/// Returns whether the job has begun.
bool log_scheduler::start(log_channel& channel) {
    auto job = std::make_shared<log_job>();
    *job = channel.begin();
    auto undo = [&] {
        channel.take_back(std::move(*job));
        queue_.push_front(&channel);
    };
    try {
        auto begun = run(channel, job);
        is_refused_ = !begun;
        if (begun) {
            running_.push_back({&channel, std::move(*begun), core::time_point::clock::now()});
            is_refusal_told_ = false;
            return true;
        }
        tell_refusal(channel, begun.error());
    } catch (...) {
        undo();
        throw;
    }
    undo();
    return false;
}

os::result<loop::background::job> log_scheduler::run(log_channel& channel,
                                                     const std::shared_ptr<log_job>& job) {
    return jobs_.run(
        [job, file = channel.file()] { return carry_out(*job, *file); },
        [this, &channel](os::result<log_outcome> done) { finish(channel, std::move(done)); });
}

void log_scheduler::tell_refusal(const log_channel& channel, const os::os_error& why) {
    if (std::exchange(is_refusal_told_, true)) return;
    report(channel, core::severity::warning, why.message() + "; trying again every second");
}

void log_scheduler::finish(log_channel& channel, os::result<log_outcome> done) {
    std::erase_if(running_, [&](const running& one) { return one.channel == &channel; });
    if (done) {
        channel.finish(std::move(done->view));
        for (const note& each : done->notes)
            owner_.report(each);
        if (done->pipe) keep(std::move(*done->pipe));
    } else {
        channel.abandon();
        report(channel, core::severity::error, done.error().message() + "; output is lost");
    }
    if (channel.is_stuck()) tell_done(channel);
    bool is_gone = forget_closed(channel);
    if (!is_gone && channel.has_work())
        submit(channel);
    else
        start_all();
    if (is_quiet()) check_.cancel(); // an idle master must not wake up
    if (!settling_.is_waiting()) {
        if (!is_gone) owner_.done(channel);
    } else if (is_quiet()) {
        settling_.succeed();
    }
}

void log_scheduler::close(std::unique_ptr<log_channel> channel) {
    channel->close();
    closing_.push_back(std::move(channel));
    submit(*closing_.back());
}

bool log_scheduler::forget_closed(const log_channel& channel) {
    return std::erase_if(closing_, [&](const auto& one) { return one.get() == &channel; }) > 0;
}

// ---- Pipes ----

os::result<os::pipe_ends> log_scheduler::take_pipe(std::size_t size) {
    if (!pipes_.empty()) {
        os::pipe_ends spare = std::move(pipes_.back());
        pipes_.pop_back();
        return spare;
    }
    auto made = os::make_pipe();
    if (!made) return made;
    os::resize_pipe(made->read.get(), size);
    return made;
}

void log_scheduler::keep(os::pipe_ends pipe) {
    if (pipes_.size() < most_spare_pipes && os::is_empty(pipe)) pipes_.push_back(std::move(pipe));
}

// ---- Jobs that take long ----

/// Sets the alarm to when a job next becomes slow or stuck.
void log_scheduler::plan_check() {
    std::optional<core::time_point> next;
    auto consider = [&](core::time_point when) { next = std::min(next.value_or(when), when); };
    core::time_point now = core::time_point::clock::now();
    for (const running& one : running_) {
        if (!queue_.empty() && now < one.since + slow) consider(one.since + slow);
        if (!one.channel->is_stuck()) consider(one.since + stuck);
    }
    for (const log_channel* channel : queue_)
        if (!channel->is_stuck()) consider(*channel->waits_since() + stuck);
    if (is_refused_) consider(now + pause_after_refusal);
    if (next && (!check_.is_set() || *check_.due() > *next)) check_.at(*next);
}

void log_scheduler::check() {
    is_refused_ = false;
    core::time_point now = core::time_point::clock::now();
    auto tell = [&](log_channel& channel, core::time_point since) {
        if (!channel.is_stuck() && now >= since + stuck) tell_stuck(channel);
    };
    for (const running& one : running_)
        tell(*one.channel, one.since);
    for (log_channel* channel : queue_)
        tell(*channel, *channel->waits_since());
    start_all();
}

void log_scheduler::report(const log_channel& channel, core::severity level,
                           const std::string& text) {
    owner_.report({level, channel.path() + ": " + text});
}

void log_scheduler::tell_stuck(log_channel& channel) {
    channel.set_stuck(true);
    report(channel, core::severity::warning,
           std::string(no_answer) + "; the last " + std::to_string(channel.limit() / 1024) +
               " KiB of output are kept");
}

void log_scheduler::tell_done(log_channel& channel) {
    std::uint64_t lost = channel.dropped_meanwhile();
    channel.set_stuck(false);
    if (lost == 0) return report(channel, core::severity::info, "the disk answers again");
    report(channel, core::severity::warning,
           "the disk answers again; " + std::to_string(lost) + " bytes were dropped");
}

// ---- The end ----

void log_scheduler::settle(core::duration longest, loop::settling::handler settled) {
    settling_.begin(longest, std::move(settled));
    if (stuck_one()) return settling_.give_up();
    if (is_quiet()) settling_.succeed();
}

void log_scheduler::resume() {
    settling_.end();
    start_all();
}

/// A channel whose job is under way and was reported; null: there is none.
const log_channel* log_scheduler::stuck_one() const {
    auto found =
        std::ranges::find_if(running_, [](const running& one) { return one.channel->is_stuck(); });
    return found == running_.end() ? nullptr : found->channel;
}

/// If none is stuck, the one that is waited for longest.
os::os_error log_scheduler::why_not_settled() const {
    const log_channel* channel = stuck_one();
    if (!channel) channel = running_.empty() ? queue_.front() : running_.front().channel;
    return os::os_error{"log file " + channel->path() + " does not answer"};
}

bool log_scheduler::wait(core::time_point deadline) {
    while (!is_quiet()) {
        auto left = deadline - core::time_point::clock::now();
        if (left <= left.zero()) return false;
        jobs_.wait(std::min<core::duration>(left, slow));
        is_refused_ = false; // no alarm rings meanwhile
        start_all();
    }
    return true;
}

} // namespace einhyrningsins::output
