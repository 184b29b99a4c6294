// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/report.hpp"

#include "core/signal_name.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace einhyrningsins::core {
namespace {

std::string number(auto value) { return std::to_string(value); }

std::string name(const worker& worker) {
    return "worker " + number(worker.pid) + " (index " + number(worker.index) + ", generation " +
           number(worker.generation) + ")";
}

std::string plural(unsigned count, const char* noun) {
    return number(count) + " " + noun + (count == 1 ? "" : "s");
}

std::string describe(const failure& failed) {
    std::string name =
        failed.pid ? "worker " + number(failed.pid) : "index " + number(failed.index);
    return name + ": " + failed.cause + (failed.pid ? " after " + to_string(failed.age) : "");
}

/// Each cause once, in the order of its first time, with its number and the last failure by it.
std::string describe(const std::vector<failure>& failures) {
    std::vector<std::pair<unsigned, failure>> causes;
    for (const failure& failed : failures) {
        auto known = std::ranges::find_if(
            causes, [&](const auto& entry) { return entry.second.cause == failed.cause; });
        if (known == causes.end())
            causes.emplace_back(1, failed);
        else
            *known = {known->first + 1, failed};
    }
    std::string text;
    for (const auto& [count, last] : causes)
        text += (text.empty() ? "" : "; ") +
                (count > 1 ? number(count) + " times, the last " : std::string()) + describe(last);
    return text;
}

std::string text(const report_of::worker_started& r) { return name(r.worker) + " started"; }

std::string text(const report_of::worker_acked& r) {
    return name(r.worker) + " is ready after " + to_string(r.after);
}

/// It has done what it was there for.
bool is_done(const report_of::worker_died& r) {
    return r.for_good && r.cause == exit_cause{exit_cause::kind_type::exited};
}

std::string text(const report_of::worker_died& r) {
    bool early = !r.expected && r.worker.state == worker_state::starting;
    return name(r.worker) +
           (r.expected   ? " has gone: "
            : is_done(r) ? " has ended: "
            : early      ? " died before its ack: "
                         : " died: ") +
           to_string(r.cause) + ", after " + to_string(r.age) +
           (r.for_good ? "; it is not started again" : "");
}

std::string text(const report_of::ack_overdue& r) {
    return name(r.worker) + " has not acked within " + to_string(r.after) +
           "; sending SIGTERM and replacing it";
}

std::string text(const report_of::start_failed& r) {
    return "cannot start a worker of generation " + number(r.generation) + ": " + r.reason +
           (r.scarce ? "; what runs is kept" : "");
}

std::string text(const report_of::backing_off& r) {
    return (r.failures > 1 ? number(r.failures) + " failures in a row; " : std::string()) +
           "trying again in " + to_string(r.delay);
}

std::string text(const report_of::escalated& r) {
    return name(r.worker) + " is still there after " + to_string(r.after) + "; sending " +
           signal_name(r.signal);
}

std::string text(const report_of::gave_up& r) {
    return "giving up after " + plural(r.failures, "death") + " before ack in a row";
}

std::string text(const report_of::upgrader_began& r) {
    return "running the upgrader " + r.program + ", process " + number(r.pid);
}

std::string text(const report_of::upgrader_done&) { return "the upgrader is done"; }
std::string text(const report_of::upgrade_prepared&) { return "the upgrade is prepared"; }

std::string text(const report_of::upgrade_cancelled& r) { return "Upgrade cancelled: " + r.reason; }

std::string text(const report_of::upgrade_refused& r) { return "Upgrade refused: " + r.reason; }

std::string text(const report_of::upgrade_joined& r) {
    return std::string("this request is served by the upgrade ") +
           (r.next ? "that follows the one to generation " : "to generation ") +
           number(r.generation);
}

std::string text(const report_of::upgrade_put_off&) {
    return "the group is being restarted; the upgrade begins when its workers have gone";
}

std::string text(const report_of::upgrade_began& r) {
    return std::string(to_string(r.mode)) + " upgrade to generation " + number(r.generation) +
           " begins, " + plural(r.of, "worker");
}

std::string text(const report_of::upgrade_advanced& r) {
    return "upgrade to generation " + number(r.generation) + ": " + number(r.acked) + " of " +
           number(r.of) + " ready";
}

std::string text(const report_of::upgrade_held& r) {
    return "upgrade to generation " + number(r.generation) + " waits for " +
           plural(r.lingering, "old worker") + " to exit (--max-upgrade-additional)";
}

std::string text(const report_of::upgrade_overtaken& r) {
    return "upgrade to generation " + number(r.generation) +
           " was overtaken by another; starting over with a new generation";
}

std::string text(const report_of::upgrade_done&) { return "Upgrade done"; }

std::string text(const report_of::upgrade_aborted& r) {
    std::string line = "Upgrade to generation " + number(r.generation) + " aborted: " + r.reason;
    if (!r.failures.empty()) line += " (" + describe(r.failures) + ")";
    if (!r.serving) return line;
    if (*r.serving == 0) return line + "; no worker is ready";
    return line + "; " + plural(*r.serving, "worker") + (*r.serving == 1 ? " keeps" : " keep") +
           " serving";
}

std::string text(const report_of::live_check_missed& r) {
    return name(r.worker) + " has given no sign of life for " + to_string(r.silent) +
           "; sending SIGKILL and replacing it";
}

std::string text(const report_of::waiting& r) {
    std::string line = "waiting";
    if (r.warmup > duration::zero()) line += " for " + to_string(r.warmup);
    if (!r.for_client) return line + ", then starting";
    return line + (r.warmup > duration::zero() ? ", then" : "") + " for the first client";
}

std::string text(const report_of::stopped&) { return "all workers have gone"; }

std::string text(const report_of::ended&) { return "all workers have ended; 'start' begins again"; }

const char* kind(const report_of::worker_started&) { return "worker_started"; }
const char* kind(const report_of::worker_acked&) { return "worker_acked"; }
const char* kind(const report_of::worker_died&) { return "worker_died"; }
const char* kind(const report_of::ack_overdue&) { return "ack_overdue"; }
const char* kind(const report_of::start_failed&) { return "start_failed"; }
const char* kind(const report_of::backing_off&) { return "backing_off"; }
const char* kind(const report_of::escalated&) { return "escalated"; }
const char* kind(const report_of::gave_up&) { return "gave_up"; }
const char* kind(const report_of::upgrader_began&) { return "upgrader_began"; }
const char* kind(const report_of::upgrader_done&) { return "upgrader_done"; }
const char* kind(const report_of::upgrade_prepared&) { return "upgrade_prepared"; }
const char* kind(const report_of::upgrade_cancelled&) { return "upgrade_cancelled"; }
const char* kind(const report_of::upgrade_refused&) { return "upgrade_refused"; }
const char* kind(const report_of::upgrade_joined&) { return "upgrade_joined"; }
const char* kind(const report_of::upgrade_put_off&) { return "upgrade_put_off"; }
const char* kind(const report_of::upgrade_began&) { return "upgrade_began"; }
const char* kind(const report_of::upgrade_advanced&) { return "upgrade_advanced"; }
const char* kind(const report_of::upgrade_held&) { return "upgrade_held"; }
const char* kind(const report_of::upgrade_overtaken&) { return "upgrade_overtaken"; }
const char* kind(const report_of::upgrade_done&) { return "upgrade_done"; }
const char* kind(const report_of::upgrade_aborted&) { return "upgrade_aborted"; }
const char* kind(const report_of::live_check_missed&) { return "live_check_missed"; }
const char* kind(const report_of::waiting&) { return "waiting"; }
const char* kind(const report_of::stopped&) { return "stopped"; }
const char* kind(const report_of::ended&) { return "ended"; }

/// Its members say what it is about.
template <class Report>
subject about(const Report& r) {
    subject result{.event = kind(r)};
    if constexpr (requires { r.worker; })
        result = {kind(r), r.worker.index, r.worker.pid, r.worker.generation};
    if constexpr (requires { r.index; }) result.index = r.index;
    if constexpr (requires { r.generation; }) result.generation = r.generation;
    return result;
}

severity weight(const report_of::worker_started&) { return severity::debug; }
severity weight(const report_of::worker_acked&) { return severity::info; }
severity weight(const report_of::worker_died& r) {
    return r.expected || is_done(r) ? severity::info : severity::warning;
}
severity weight(const report_of::live_check_missed&) { return severity::warning; }
severity weight(const report_of::ack_overdue&) { return severity::warning; }
severity weight(const report_of::start_failed&) { return severity::error; }
severity weight(const report_of::backing_off&) { return severity::warning; }
severity weight(const report_of::escalated&) { return severity::warning; }
severity weight(const report_of::gave_up&) { return severity::error; }
severity weight(const report_of::upgrade_held&) { return severity::warning; }
severity weight(const report_of::upgrade_prepared&) { return severity::debug; }
severity weight(const report_of::upgrade_cancelled&) { return severity::error; }
severity weight(const report_of::upgrade_refused&) { return severity::error; }
severity weight(const report_of::upgrade_joined&) { return severity::debug; }
severity weight(const report_of::upgrade_aborted&) { return severity::error; }
severity weight(const auto&) { return severity::info; }

} // namespace

subject subject_of(const report& news) {
    return std::visit([](const auto& alternative) { return about(alternative); }, news);
}

severity severity_of(const report& news) {
    return std::visit([](const auto& alternative) { return weight(alternative); }, news);
}

std::string to_string(const report& news) {
    return std::visit([](const auto& alternative) { return text(alternative); }, news);
}

std::string to_string(duration length) {
    using namespace std::chrono;
    auto ms = duration_cast<milliseconds>(length).count();
    auto s = ms / 1000;
    char text[48];
    if (ms < 1000)
        std::snprintf(text, sizeof text, "%lld ms", static_cast<long long>(ms));
    else if (ms < 60'000)
        std::snprintf(text, sizeof text, "%.3g s", static_cast<double>(ms) / 1000);
    else if (s < 3600)
        std::snprintf(text, sizeof text, "%lld min %lld s", static_cast<long long>(s / 60),
                      static_cast<long long>(s % 60));
    else
        std::snprintf(text, sizeof text, "%lld h %lld min", static_cast<long long>(s / 3600),
                      static_cast<long long>(s / 60 % 60));
    return text;
}

} // namespace einhyrningsins::core
