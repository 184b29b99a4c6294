// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/group/helper_process.hpp"

#include "core/printable.hpp"
#include "os/pipe.hpp"
#include "os/process.hpp"

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
constexpr auto output_retry = std::chrono::milliseconds(200);
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
    if (recipe.identity) os::give_pipe(pipe->write.get(), *recipe.identity);
    auto plan = os::spawn_plan::make(std::move(recipe));
    auto child = plan.spawn(0, -1, {.out = pipe->write.get(), .err = pipe->write.get()});
    if (!child) return child.error();
    handoff::helper born{.pid = child->pid(), .output = pipe->read.release()};
    if (limit > core::duration::zero()) born.deadline = core::time_point::clock::now() + limit;
    auto made = std::make_shared<helper_process>(context, born, what, std::move(who));
    made->birth_ = std::move(*child);
    return made;
}

/// Another program may have run in this process and reaped it.
helper_process::helper_process(boost::asio::io_context& context, const handoff::helper& from,
                               const std::string& what, owner who)
    : birth_(from.pid),
      output_(from.output),
      output_news_(context, [this] { hear_output(); }),
      output_retry_(context, [this] { watch_output(); }),
      limit_(
          context, [this] { on_limit(); }, loop::alarm::purpose::limit),
      vanished_(context, [this] { finish({}); }),
      what_(what),
      owner_(std::move(who)),
      state_(from) {
    watch_output();
    if (from.deadline) limit_.at(*from.deadline);
    if (!os::process(from.pid).is_own_child()) vanished_.soon();
}

/// Without the pipe the program would be ended by SIGPIPE, so this is tried until it works.
void helper_process::watch_output() {
    if (output_ && !output_news_.watch(output_.get())) output_retry_.after(output_retry);
}

helper_process::~helper_process() { drop(); }

handoff::helper helper_process::hand_over() const {
    handoff::helper into = state_;
    into.pid = pid();
    into.output = output_.get();
    into.deadline = limit_.due();
    return into;
}

void helper_process::end(const std::string& why) {
    if (!running_ || state_.told) return;
    state_.why = why;
    state_.told = true;
    signal_all(SIGTERM);
    limit_.after(core::grace_before_kill);
}

void helper_process::drop() {
    owner_.ended = nullptr;
    limit_.cancel();
    vanished_.cancel();
    if (std::exchange(running_, false)) signal_all(SIGKILL);
}

bool helper_process::hear(const os::reaped& dead) {
    if (!running_ || dead.pid != pid()) return false;
    finish(dead.cause);
    return true;
}

void helper_process::finish(const core::exit_cause& cause) {
    auto keep = shared_from_this();
    running_ = false;
    limit_.cancel();
    vanished_.cancel();
    for (int round = 0; round < last_reads && read_output() > 0; ++round) {
    }
    close_output();
    std::string failure;
    auto executed = birth_.outcome();
    if (executed && !*executed)
        failure = what_ + " cannot be run: " + executed->error().message();
    else if (state_.told)
        failure = what_ + " was ended: " + state_.why;
    else if (cause != core::exit_cause{core::exit_cause::kind_type::exited, 0})
        failure = what_ + " ended with " + to_string(cause);
    if (auto ended = std::exchange(owner_.ended, nullptr)) ended(failure);
}

/// The whole process group, as long as its leader has not been reaped.
void helper_process::signal_all(int number) const {
    os::process leader(pid());
    // One that is stopped obeys as well.
    if (leader.signal_group(number) && number != SIGKILL) leader.signal_group(SIGCONT);
}

void helper_process::on_limit() {
    if (!state_.told) {
        owner_.log(severity::warning, what_ + " has taken too long; sending SIGTERM");
        return end("it took too long");
    }
    owner_.log(severity::warning, what_ + " is still there; sending SIGKILL");
    signal_all(SIGKILL);
}

void helper_process::hear_output() {
    ssize_t size = read_output();
    if (size <= 0 && size != -EAGAIN) close_output();
}

ssize_t helper_process::read_output() {
    if (!output_) return 0;
    std::array<char, read_at_once> buffer;
    ssize_t size = os::read_some(output_.get(), buffer);
    if (size > 0) take({buffer.data(), static_cast<std::size_t>(size)});
    return size;
}

void helper_process::take(std::string_view text) {
    while (!text.empty()) {
        std::size_t end = std::min(text.find('\n'), text.size());
        std::size_t room = longest_line - std::min(state_.line.size(), longest_line);
        state_.line +=
            text.substr(0, std::min(end, room + 1)); // one more tells that it has to be cut
        if (end == text.size()) return;
        write_line();
        text.remove_prefix(end + 1);
    }
}

void helper_process::write_line() {
    std::string line = std::exchange(state_.line, {});
    if (line.empty()) return;
    if (state_.lines == most_lines) {
        ++state_.dropped;
        return;
    }
    ++state_.lines;
    if (line.size() > longest_line) {
        line.resize(core::clipped(line, longest_line).size());
        line += " ... (cut)";
    }
    owner_.log(severity::info, what_ + ": " + line);
}

void helper_process::close_output() {
    if (!output_) return;
    write_line();
    output_news_.cancel();
    output_.reset();
    if (state_.dropped > 0)
        owner_.log(severity::warning, what_ + ": " +
                                          std::to_string(std::exchange(state_.dropped, 0)) +
                                          " more lines were dropped");
}

} // namespace einhyrningsins::master
