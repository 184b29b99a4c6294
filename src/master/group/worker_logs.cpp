// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/group/worker_logs.hpp"

#include "master/logging.hpp"
#include "os/process.hpp"

#include <set>

namespace einhyrningsins::master {
namespace {

void report(core::severity level, const std::string& text) { log(level, "", text); }

} // namespace

output::capture& worker_logs::capture() {
    if (!capture_) capture_.emplace(context_, report);
    return *capture_;
}

void worker_logs::take_over(const output::capture_state& from) {
    if (!from.files.empty() || !from.streams.empty()) capture_.emplace(context_, from, report);
}

output::capture_state worker_logs::state() const {
    return capture_ ? capture_->state() : output::capture_state{};
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
os::result<worker_output> worker_logs::open(const config::group_settings& of) {
    worker_output made;
    auto connect = [&](const std::optional<config::log_spec>& spec, os::unique_fd& to) {
        if (!spec) return os::result<void>();
        auto end = capture().add(absolute(*spec));
        if (!end) return os::result<void>(end.error());
        to = std::move(*end);
        return os::result<void>();
    };
    if (auto done = connect(of.stdout_log, made.out); !done) return done.error();
    if (auto done = connect(of.stderr_log, made.err); !done) return done.error();
    return made;
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
    std::set<std::string> paths;
    for (const config::group_settings* group : groups)
        for (const config::log_spec& one : specs_of(*group))
            paths.insert(one.path);
    capture_->keep_only([&](const std::string& path) { return paths.contains(path); });
}

void worker_logs::finish() {
    if (capture_) capture_->finish();
}

} // namespace einhyrningsins::master
