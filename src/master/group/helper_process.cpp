// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/group/helper_process.hpp"

#include "os/exec.hpp"
#include "os/pipe.hpp"
#include "os/signals.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <utility>

namespace einhyrningsins::master {
namespace {

using core::severity;

/// What is longer is cut, and what comes after so many lines is only counted.
constexpr std::size_t longest_line = 1024;
constexpr unsigned most_lines = 1000;
/// Read in one turn of the loop, which has other things to do.
constexpr std::size_t read_at_once = 16384;
/// Of a process that has ended: what is left of it fits in a pipe.
constexpr int last_reads = 64;

} // namespace

os::result<std::shared_ptr<helper_process>>
helper_process::start(boost::asio::io_context& context, os::spawn_recipe recipe,
                      core::duration limit, const std::string& what, owner who) {
    auto pipe = os::make_pipe();
    if (!pipe) return pipe.error();
    auto plan = os::spawn_plan::make(std::move(recipe));
    auto pid = plan.spawn(0, -1, {.out = pipe->write.get(), .err = pipe->write.get()});
    if (!pid) return pid.error();
    std::shared_ptr<helper_process> made(
        new helper_process(context, *pid, std::move(pipe->read), what, std::move(who)));
    made->await_output();
    if (limit > core::duration::zero()) made->set_deadline(core::time_point::clock::now() + limit);
    return made;
}

std::shared_ptr<helper_process> helper_process::take_over(boost::asio::io_context& context,
                                                          const handoff::helper& from,
                                                          const std::string& what, owner who) {
    std::shared_ptr<helper_process> made(
        new helper_process(context, from.pid, os::unique_fd(from.output), what, std::move(who)));
    made->line_ = from.line;
    made->lines_ = from.lines;
    made->dropped_ = from.dropped;
    made->told_ = from.told;
    made->why_ = from.why;
    if (made->output_.is_open()) made->await_output();
    if (from.deadline) made->set_deadline(*from.deadline);
    // While another program ran in this process it may have reaped it.
    if (!os::is_own_child(from.pid))
        boost::asio::post(context, [weak = made->weak_from_this()] {
            if (auto self = weak.lock(); self && self->running_) self->finish({});
        });
    return made;
}

helper_process::helper_process(boost::asio::io_context& context, core::process_id pid,
                               os::unique_fd output, std::string what, owner who)
    : pid_(pid),
      output_(context),
      timer_(context),
      what_(std::move(what)),
      owner_(std::move(who)) {
    if (output) output_.assign(output.release());
}

helper_process::~helper_process() { drop(); }

handoff::helper helper_process::hand_over() const {
    return {.pid = pid_,
            .output =
                output_.is_open() ? const_cast<helper_process*>(this)->output_.native_handle() : -1,
            .deadline = deadline_,
            .told = told_,
            .why = why_,
            .line = line_,
            .lines = lines_,
            .dropped = dropped_};
}

void helper_process::end(const std::string& why) {
    if (!running_ || told_) return;
    why_ = why;
    told_ = true;
    signal_all(SIGTERM);
    set_deadline(core::time_point::clock::now() + core::grace_before_kill);
}

void helper_process::drop() {
    owner_.ended = nullptr;
    if (std::exchange(running_, false)) signal_all(SIGKILL);
}

bool helper_process::hear(const os::reaped& dead) {
    if (!running_ || dead.pid != pid_) return false;
    finish(dead.cause);
    return true;
}

void helper_process::finish(const core::exit_cause& cause) {
    auto keep = shared_from_this();
    running_ = false;
    timer_.cancel();
    for (int round = 0; round < last_reads && read_output() > 0; ++round) {
    }
    close_output();
    std::string failure;
    if (told_)
        failure = what_ + " was ended: " + why_;
    else if (cause != core::exit_cause{core::exit_cause::kind_type::exited, 0})
        failure = what_ + " ended with " + to_string(cause);
    if (auto ended = std::exchange(owner_.ended, nullptr)) ended(failure);
}

/// The whole process group, as long as its leader has not been reaped.
void helper_process::signal_all(int number) const {
    if (!os::is_own_child(pid_)) return;
    os::send_signal(-pid_, number);
}

void helper_process::set_deadline(core::time_point when) {
    deadline_ = when;
    timer_.expires_at(when);
    timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
        auto self = weak.lock();
        if (!error && self && self->running_) self->on_deadline();
    });
}

void helper_process::on_deadline() {
    if (!told_) {
        owner_.log(severity::warning, what_ + " has taken too long; sending SIGTERM");
        return end("it took too long");
    }
    owner_.log(severity::warning, what_ + " is still there; sending SIGKILL");
    deadline_.reset();
    signal_all(SIGKILL);
}

void helper_process::await_output() {
    output_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                       [weak = weak_from_this()](const boost::system::error_code& error) {
                           auto self = weak.lock();
                           if (error || !self || !self->output_.is_open()) return;
                           ssize_t size = self->read_output();
                           if (size > 0 || size == -EAGAIN) return self->await_output();
                           self->close_output();
                       });
}

ssize_t helper_process::read_output() {
    if (!output_.is_open()) return 0;
    std::array<char, read_at_once> buffer;
    ssize_t size = os::read_some(output_.native_handle(), buffer);
    if (size > 0) take({buffer.data(), static_cast<std::size_t>(size)});
    return size;
}

void helper_process::take(std::string_view text) {
    while (!text.empty()) {
        std::size_t end = std::min(text.find('\n'), text.size());
        std::size_t room = longest_line - std::min(line_.size(), longest_line);
        line_ += text.substr(0, std::min(end, room + 1)); // one more tells that it has to be cut
        if (end == text.size()) return;
        write_line();
        text.remove_prefix(end + 1);
    }
}

void helper_process::write_line() {
    std::string line = std::exchange(line_, {});
    if (line.empty()) return;
    if (lines_ == most_lines) {
        ++dropped_;
        return;
    }
    ++lines_;
    if (line.size() > longest_line) {
        line.resize(longest_line);
        line += " ... (cut)";
    }
    owner_.log(severity::info, what_ + ": " + line);
}

void helper_process::close_output() {
    if (!output_.is_open()) return;
    write_line();
    output_.close();
    if (dropped_ > 0)
        owner_.log(severity::warning, what_ + ": " + std::to_string(std::exchange(dropped_, 0)) +
                                          " more lines were dropped");
}

} // namespace einhyrningsins::master
