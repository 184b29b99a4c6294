// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/group/worker_logs.hpp"

#include "master/logging.hpp"
#include "os/own_process.hpp"

#include <set>

namespace einhyrningsins::master {
namespace {

void report(const output::note& note) { log(note.level, {.of = {.event = "log_file"}}, note.text); }

} // namespace

/// The first worker with a log may be started when everything else is settled already.
output::capture& worker_logs::capture() {
    if (!capture_) {
        capture_.emplace(context_, model::logs_state{}, report);
        if (is_settling_) capture_->settle({}, [](const os::result<void>&) {});
    }
    return *capture_;
}

/// If that fails, the master goes on without.
worker_logs::worker_logs(boost::asio::io_context& context, std::string directory,
                         const model::logs_state& from)
    : context_(context),
      directory_(std::move(directory)),
      closed_alarm_(context, [this] { tell_closed(); }) {
    if (from.files.empty() && from.streams.empty()) return;
    attempt("", [&] { capture_.emplace(context_, from, report); });
}

void worker_logs::settle(core::duration longest, std::function<void(os::result<void>)> settled) {
    is_settling_ = true;
    tell_closed(closed_.rest(core::time_point::clock::now()));
    if (!capture_) return settled({});
    capture_->settle(longest, std::move(settled));
}

void worker_logs::resume() {
    is_settling_ = false;
    if (capture_) capture_->resume();
}

model::logs_state worker_logs::state() const {
    return capture_ ? capture_->state() : model::logs_state{};
}

config::log_spec worker_logs::absolute(const config::log_spec& spec) const {
    return with_path(spec, os::absolute_path(spec.path, directory_));
}

std::vector<config::log_spec> worker_logs::specs_of(const config::group_settings& group) const {
    std::vector<config::log_spec> specs;
    if (group.stdout_log) specs.push_back(absolute(*group.stdout_log));
    if (group.stderr_log) specs.push_back(absolute(*group.stderr_log));
    if (specs.size() == 2 && specs[0].path == specs[1].path) specs.pop_back();
    return specs;
}

/// Two pipes even into one file: programs write pieces of lines to their standard output, and whole
/// ones to standard error in between.
os::result<worker_output>
worker_logs::open(const config::group_settings& of, const model::stream_owner& owner,
                  const std::optional<os::identity>& user,
                  const std::function<bool(const model::stream_owner&)>& is_alive) {
    worker_output made;
    if (capture_) close_orphans(owner.group, is_alive);
    auto connect = [&](const std::optional<config::log_spec>& spec, os::unique_fd& to) {
        if (!spec) return os::result<void>();
        auto end = capture().add(absolute(*spec), owner);
        if (!end) return os::result<void>(end.error());
        to = std::move(*end);
        if (user) os::give_pipe(to.get(), *user);
        return os::result<void>();
    };
    if (auto done = connect(of.stdout_log, made.out); !done) return done.error();
    if (auto done = connect(of.stderr_log, made.err); !done) return done.error();
    return made;
}

void worker_logs::close_orphans(const std::string& group,
                                const std::function<bool(const model::stream_owner&)>& is_alive) {
    std::size_t closed = capture_->close_orphans(group, is_alive);
    if (closed == 0) return;
    closed_.note(group, closed);
    tell_closed();
}

void worker_logs::tell_closed() {
    tell_closed(closed_.due(core::time_point::clock::now()));
    if (auto next = closed_.next()) closed_alarm_.at(*next);
}

void worker_logs::tell_closed(const std::vector<orphan_log::line>& lines) {
    for (const auto& [group, closed] : lines)
        log(core::severity::warning, {.group = group, .of = {.event = "log_pipes_closed"}},
            "processes that dead workers have left behind hold too many pipes to its logs open: "
            "the oldest are closed, " +
                std::to_string(closed) + " so far");
}

std::vector<output::log_status> worker_logs::status(const config::group_settings& of) const {
    std::vector<output::log_status> result;
    for (const config::log_spec& one : specs_of(of)) {
        auto known = capture_ ? capture_->status(one.path) : std::nullopt;
        result.push_back(known ? std::move(*known) : output::log_status{one.path, {}});
    }
    return result;
}

void worker_logs::keep_only(const std::vector<const config::group_settings*>& groups) {
    if (!capture_) return;
    std::set<std::string> names, paths;
    for (const config::group_settings* group : groups) {
        names.insert(group->name);
        for (const config::log_spec& one : specs_of(*group))
            paths.insert(one.path);
    }
    tell_closed(closed_.keep_only([&](const std::string& name) { return names.contains(name); }));
    capture_->keep_only([&](const std::string& path) { return paths.contains(path); });
}

void worker_logs::finish() {
    tell_closed(closed_.rest(core::time_point::clock::now()));
    if (capture_) capture_->finish();
}

} // namespace einhyrningsins::master
