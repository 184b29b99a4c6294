// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/group/newborns.hpp"

#include "loop/alarm.hpp"
#include "loop/readable.hpp"
#include "os/process.hpp"

#include <algorithm>
#include <csignal>
#include <optional>
#include <utility>

namespace einhyrningsins::master {

struct newborns::entry {
    entry(newborns& all, const core::action::spawn& what, os::birth born, os::unique_fd ours)
        : wish(what),
          child(std::move(born)),
          control(std::move(ours)),
          report(all.context_, [&all, this] { all.hear(*this); }),
          deadline(
              all.context_,
              [&all, this] {
                  if (!all.hear(*this)) kill(*this, {"its program was not executed in time"});
              },
              loop::alarm::purpose::limit) {}

    core::action::spawn wish;
    os::birth child;
    os::unique_fd control;
    loop::readable report;
    loop::alarm deadline;
    std::optional<core::exit_cause> death{}; ///< it has been reaped
    std::optional<os::os_error> killed{};    ///< why we killed it; nothing: we did not
};

newborns::newborns(boost::asio::io_context& context, answer tell)
    : context_(context),
      tell_(std::move(tell)) {}

newborns::~newborns() {
    for (const auto& one : all_)
        kill(*one, {"the master has ended"});
}

void newborns::add(const core::action::spawn& wish, os::birth child, os::unique_fd control,
                   core::time_point deadline) {
    all_.push_back(std::make_unique<entry>(*this, wish, std::move(child), std::move(control)));
    entry& one = *all_.back();
    if (one.child.report() < 0) return;
    if (auto watched = one.report.watch(one.child.report()); !watched)
        return kill(one, watched.error());
    one.deadline.at(deadline);
}

/// Returns whether its outcome is known; then it is not there any more.
bool newborns::hear(entry& one) {
    auto outcome = one.child.outcome();
    if (outcome) finish(one, *outcome);
    return outcome.has_value();
}

/// Forgets it before it answers: the answer may lead to another birth.
void newborns::finish(entry& one, const os::result<void>& outcome) {
    auto place = std::ranges::find(all_, &one, &std::unique_ptr<entry>::get);
    std::unique_ptr<entry> known = std::move(*place);
    all_.erase(place);
    birth told{known->wish, known->child.pid(), std::move(known->control), known->death};
    if (known->killed)
        told.pid = *known->killed;
    else if (!outcome)
        told.pid = outcome.error();
    known.reset();
    tell_(std::move(told));
}

/// An answer may add another.
std::vector<newborns::entry*> newborns::snapshot() const {
    std::vector<entry*> now;
    for (const auto& one : all_)
        now.push_back(one.get());
    return now;
}

void newborns::hear() {
    for (entry* one : snapshot())
        hear(*one);
}

bool newborns::has(core::process_id pid) const {
    return std::ranges::any_of(all_, [&](const auto& one) { return one->child.pid() == pid; });
}

/// The dead have closed their end of the report.
void newborns::notice_death(const os::reaped& dead) {
    for (entry* one : snapshot()) {
        if (one->child.pid() != dead.pid) continue;
        one->death = dead.cause;
        hear(*one);
    }
}

void newborns::withdraw(const std::function<bool(const core::action::spawn&)>& unwanted) {
    for (entry* one : snapshot())
        if (unwanted(one->wish) && !hear(*one)) kill(*one, {"it is not wanted any more"});
}

/// If this master goes on after all, it makes others: that is nobody's fault. One that executes its
/// program between the two calls is killed before it can have served anybody.
bool newborns::end() {
    bool any_answered = false;
    for (entry* one : snapshot())
        if (hear(*one))
            any_answered = true;
        else
            kill(*one, {"it was killed for a reload", EAGAIN});
    return any_answered;
}

/// Its death, which closes its end of the report, leads to the answer.
void newborns::kill(entry& one, const os::os_error& why) {
    if (!one.killed) one.killed = why;
    os::process(one.child.pid()).signal_group(SIGKILL);
}

} // namespace einhyrningsins::master
