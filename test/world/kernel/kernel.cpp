// SPDX-License-Identifier: GPL-3.0-or-later
#include "world/kernel/kernel.hpp"

#include <algorithm>
#include <csignal>
#include <utility>

namespace einhyrningsins::world {
namespace {

constexpr instant length_of_call = std::chrono::microseconds(2);
/// So low that numbers are soon reused.
constexpr pid_t last_of_pids = 300;

/// See "Standard signals" in signal(7).
bool is_ignored_by_default(int number) {
    return number == SIGCHLD || number == SIGCONT || number == SIGURG || number == SIGWINCH;
}

bool stops(int number) {
    return number == SIGSTOP || number == SIGTSTP || number == SIGTTIN || number == SIGTTOU;
}

} // namespace

kernel::kernel() {
    auto init = std::make_shared<process>();
    init->pid = init->group = last_pid_;
    init->directory = files_.root();
    init->ignored = {SIGCHLD};
    processes_[1] = init;
}

// ---- Time ----

void kernel::after(instant pause, std::function<void()> what) {
    queue_.emplace(std::pair(now_ + pause, ++events_), std::move(what));
}

void kernel::after(instant pause, const process_ptr& of, std::function<void()> what) {
    after(pause, [of, what = std::move(what)] {
        if (!of->is_zombie) what();
    });
}

/// Has the next event happen, if there is one by then.
bool kernel::happen(instant until) {
    if (queue_.empty() || queue_.begin()->first.first > until) return false;
    auto next = queue_.extract(queue_.begin());
    now_ = std::max(now_, next.key().first);
    next.mapped()();
    if (on_step) on_step();
    return true;
}

/// Has everything happen until then.
void kernel::pass_time(instant until) {
    while (!is_atomic && !current->is_zombie && happen(until)) {
    }
    now_ = std::max(now_, until);
    if (current->is_zombie) on_death();
}

void kernel::freeze_all(instant length) {
    now_ += length;
    decltype(queue_) later;
    for (auto& [when, what] : std::exchange(queue_, {}))
        later.emplace(std::pair(when.first + length, when.second), std::move(what));
    queue_ = std::move(later);
}

int kernel::enter(const char* call) {
    is_waiting = false;
    pass_time(now_ + length_of_call);
    int failed = refuse(call);
    if (current->is_zombie) on_death(); // at this call
    pass_time(goes_on_at_);
    return failed;
}

bool kernel::wait(const std::function<bool()>& condition, instant deadline) {
    while (!condition()) {
        if (now_ >= deadline) return false;
        is_waiting = true;
        if (!happen(deadline)) {
            if (deadline == never) on_standstill();
            now_ = deadline;
        }
        if (current->is_zombie) on_death();
        pass_time(goes_on_at_);
    }
    return true;
}

// ---- Processes ----

pid_t kernel::free_pid() {
    auto is_taken = [this](pid_t pid) {
        return std::ranges::any_of(processes_, [&](const auto& one) {
            return one.first == pid || one.second->group == pid;
        });
    };
    do
        last_pid_ = last_pid_ >= last_of_pids ? 2 : last_pid_ + 1;
    while (is_taken(last_pid_));
    return last_pid_;
}

process_ptr kernel::create(const process_ptr& parent) {
    const process& from = parent ? *parent : *processes_.at(1);
    auto made = std::make_shared<process>(from);
    made->pid = free_pid();
    made->number = ++numbers_;
    made->parent = from.pid;
    made->descriptors = std::make_shared<descriptor_table>(*from.descriptors);
    made->pending = std::make_shared<pending_signals>();
    made->on_signal = nullptr;
    made->adopts_orphans = false;
    processes_[made->pid] = made;
    return made;
}

process_ptr kernel::find(pid_t pid) const {
    auto found = processes_.find(pid);
    return found == processes_.end() ? nullptr : found->second;
}

int kernel::execute(const process_ptr& in, const std::string& path,
                    std::vector<std::string> arguments, std::vector<std::string> environment) {
    int failed = load(*in, path, std::move(arguments), std::move(environment));
    if (!failed) files_.at(in->path)->program(*in);
    return failed;
}

int kernel::load(process& in, const std::string& path, std::vector<std::string> arguments,
                 std::vector<std::string> environment) {
    place found = find(in, -1, path);
    if (!found.there) return -(found.error ? found.error : ENOENT);
    if (!found.there->program || !(found.there->mode & 0111)) return -EACCES;
    in.path = files_.path_of(*found.there);
    in.arguments = std::move(arguments);
    in.environment = std::move(environment);
    in.descriptors = std::make_shared<descriptor_table>(*in.descriptors);
    std::erase_if(*in.descriptors, [](const auto& one) { return one.second.closes_on_exec; });
    return 0;
}

void kernel::end(const process_ptr& who, int status) {
    if (who->is_zombie) return;
    who->is_zombie = true;
    who->status = status;
    // Outside of the map, as a file that is destroyed may look into it.
    auto open = std::exchange(who->descriptors, std::make_shared<descriptor_table>());
    open.reset();
    orphan(*who);
    if (auto parent = find(who->parent)) {
        if (parent->ignored.contains(SIGCHLD)) return bury(who);
        kill(parent, SIGCHLD);
    }
}

/// The children go to the nearest ancestor that adopts, or to process 1.
void kernel::orphan(const process& dead) {
    process_ptr heir = find(dead.parent);
    while (heir && heir->pid != 1 && !heir->adopts_orphans)
        heir = find(heir->parent);
    if (!heir || heir->is_zombie) heir = processes_.at(1);
    std::vector<process_ptr> children;
    for (const auto& [pid, one] : processes_)
        if (one->parent == dead.pid && pid != dead.pid) children.push_back(one);
    for (const process_ptr& child : children) {
        child->parent = heir->pid;
        if (child->is_zombie && heir->pid == 1) bury(child);
        if (!child->is_zombie && child->death_signal) kill(child, child->death_signal);
    }
}

void kernel::bury(const process_ptr& dead) { processes_.erase(dead->pid); }

void kernel::kill(const process_ptr& who, int number) {
    if (number == 0 || who->is_zombie || who->pid == 1) return;
    if (number == SIGKILL) return end(who, SIGKILL);
    // A stop and SIGCONT discard each other.
    if (number == SIGCONT) std::erase_if(who->pending->numbers, stops);
    if (stops(number)) who->pending->numbers.erase(SIGCONT);
    if (who->blocked.contains(number)) {
        who->pending->numbers.insert(number);
        ++who->pending->arrivals;
        return;
    }
    take_signal(who, number);
}

void kernel::take_signal(const process_ptr& who, int number) {
    if (who->ignored.contains(number)) return;
    if (who->on_signal && who->on_signal(number)) return;
    if (!is_ignored_by_default(number) && !stops(number)) end(who, number);
}

void kernel::set_ignored(process& in, int number, bool ignored) {
    if (ignored)
        in.ignored.insert(number);
    else
        in.ignored.erase(number);
    if (ignored || is_ignored_by_default(number)) in.pending->numbers.erase(number);
}

int kernel::send_signal(pid_t target, int number) {
    auto is_ours = [this](const process& one) {
        return one.parent == current->pid || one.pid == current->pid;
    };
    bool any = false;
    auto all = processes_; // which signals change
    for (const auto& [pid, one] : all) {
        bool is_meant = target > 0 ? pid == target : one->group == -target;
        if (!is_meant) continue;
        any = true;
        bool leads_ours = target < 0 && find(-target) && is_ours(*find(-target));
        if (number != 0 && !is_ours(*one) && !leads_ours && complain)
            complain("a signal to process " + std::to_string(pid) + ", which is not the master's");
        kill(one, number);
    }
    if (target == 0 || target == -1) complain("a signal to " + std::to_string(target));
    return any ? 0 : -ESRCH;
}

// ---- Descriptors ----

int kernel::open_descriptor(process& in, file_ptr made, bool closes_on_exec, int lowest) {
    int fd = lowest;
    while (in.descriptors->contains(fd))
        ++fd;
    if (static_cast<rlim_t>(fd) >= in.descriptor_limit.rlim_cur) return -EMFILE;
    (*in.descriptors)[fd] = {std::move(made), closes_on_exec};
    return fd;
}

file_ptr kernel::file_of(const process& in, int fd) const {
    auto found = in.descriptors->find(fd);
    return found == in.descriptors->end() ? nullptr : found->second.file;
}

int kernel::close_descriptor(process& in, int fd) {
    auto found = in.descriptors->find(fd);
    if (found == in.descriptors->end()) return -EBADF;
    file_ptr closed = std::move(found->second.file);
    in.descriptors->erase(found);
    return 0;
}

credentials kernel::credentials_of(const process& who) const {
    return {who.pid, who.user, who.user_group, who.number};
}

} // namespace einhyrningsins::world
