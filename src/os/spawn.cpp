// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/spawn.hpp"
#include "core/assert.hpp"

#include "os/child.hpp"
#include "os/low_numbers.hpp"
#include "os/own_process.hpp"
#include "os/pipe.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <iterator>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace einhyrningsins::os {
namespace {

constexpr int first_descriptor = 3;
constexpr std::string_view listen_pid = "LISTEN_PID=";
constexpr std::string_view child_index = "EINHORN_CHILD_INDEX=";

/// Moves all of them to low numbers, for the lifetime of `low`.
result<void> lower(inheritance& from, low_copies& low) {
    std::vector<int*> all{&from.directory, &from.null,  &from.out,
                          &from.err,       &from.extra, &from.report};
    for (int& fd : from.listeners)
        all.push_back(&fd);
    for (int* fd : all) {
        auto number = low.of(*fd);
        if (!number) return number.error();
        *fd = *number;
    }
    from.highest = low.highest();
    return {};
}

/// /dev/null, which is opened once; -1 if it cannot be opened.
int null_device() {
    static unique_fd null;
    if (!null) {
        null.reset(::open("/dev/null", O_RDWR | O_CLOEXEC));
        leave_low_numbers(null);
    }
    return null.get();
}

/// `fd`, or what it is replaced by if it is a terminal: the same one, opened for writing only and
/// owned by `copy`. Otherwise a process of another session could read what is typed there, as job
/// control only holds up those that have the terminal as their controlling one. One that cannot be
/// opened again, as after a hangup, is replaced by /dev/null.
int without_input(int fd, unique_fd& copy) {
    if (::isatty(fd) != 1) return fd;
    std::string path = "/proc/self/fd/" + std::to_string(fd);
    copy.reset(::open(path.c_str(), O_WRONLY | O_NOCTTY | O_CLOEXEC));
    return copy ? copy.get() : null_device();
}

/// The lists of pointers for execve(2) of the current start, one after the other.
std::vector<char*>& text_lists() {
    static std::vector<char*> lists;
    return lists;
}

void add_text(const char* text) { text_lists().push_back(const_cast<char*>(text)); }

/// Calls a function with each of the texts in a block, which are followed by one NUL or more.
void each_packed(const std::vector<char>& texts, auto visit) {
    const char* end = texts.data() + texts.size();
    for (const char* at = texts.data(); at < end; at += std::strlen(at) + 1)
        if (*at != '\0') visit(at);
}

} // namespace

spawn_plan spawn_plan::make(spawn_recipe recipe) {
    assert(!recipe.arguments.empty());
    spawn_plan plan;
    plan.recipe_ = std::move(recipe);
    null_device(); // opened now rather than at the first start
    // A start must not allocate.
    text_lists().reserve(2 * plan.recipe_.arguments.size() + plan.recipe_.environment.size() + 5);
    plan.pack_environment();
    return plan;
}

/// Sources must be above all targets, see child. Two targets after the listeners are for the extra
/// descriptor and the report.
int spawn_plan::lowest_source() const {
    return first_descriptor + static_cast<int>(recipe_.descriptors.size()) + 2;
}

void spawn_plan::pack_environment() {
    constexpr std::size_t slot_size = 12; // a 32-bit number and its NUL
    const std::pair<std::string_view, std::size_t*> slots[] = {
        {listen_pid, &pid_slot_},
        {child_index, &index_slot_},
        {recipe_.indexed_entry, &indexed_slot_}};
    for (const std::string& one : std::exchange(recipe_.environment, {})) {
        auto* slot = std::ranges::find_if(slots, [&](const auto& known) {
            return !known.first.empty() && one.starts_with(known.first);
        });
        bool is_filled = slot != std::end(slots);
        std::string_view text = is_filled ? slot->first : one.c_str();
        environment_.insert(environment_.end(), text.begin(), text.end());
        if (is_filled) *slot->second = environment_.size();
        environment_.resize(environment_.size() + (is_filled ? slot_size : 1));
    }
    environment_.shrink_to_fit();
}

std::vector<std::string> spawn_plan::environment() const {
    std::vector<std::string> entries;
    each_packed(environment_, [&](const char* one) { entries.emplace_back(one); });
    return entries;
}

spawn_plan::texts spawn_plan::lay_out_texts() const {
    std::vector<char*>& all = text_lists();
    all.clear();
    for (const std::string& one : recipe_.arguments)
        add_text(one.c_str());
    add_text(nullptr);
    std::size_t shell = all.size();
    add_text("/bin/sh");
    add_text(recipe_.program.c_str());
    for (std::size_t i = 1; i < recipe_.arguments.size(); ++i)
        add_text(recipe_.arguments[i].c_str());
    add_text(nullptr);
    std::size_t environment = all.size();
    each_packed(environment_, add_text);
    add_text(nullptr);
    return {all.data(), all.data() + shell, all.data() + environment};
}

void spawn_plan::fill_in(unsigned index) const {
    for (std::size_t slot : {index_slot_, indexed_slot_})
        if (slot) *std::to_chars(&environment_[slot], &environment_[slot] + 11, index).ptr = '\0';
}

result<birth> spawn_plan::spawn(unsigned index, int extra_fd, output_descriptors output) const {
    assert(output.out == -1 || output.out > 2);
    assert(output.err == -1 || output.err > 2);
    if (null_device() < 0) return last_error("/dev/null");
    pipe_ends report;
    if (recipe_.identity) {
        auto made = make_pipe();
        if (!made) return made.error();
        report = std::move(*made);
    }
    std::vector<int> listeners = recipe_.descriptors;
    child made = lay_out(index);
    made.from = {.directory = recipe_.directory->get(),
                 .null = null_device(),
                 .out = output.out,
                 .err = output.err,
                 .listeners = listeners,
                 .extra = extra_fd,
                 .report = report.write.get()};
    unique_fd terminals[2];
    if (recipe_.identity && output.out < 0)
        made.from.out = without_input(STDOUT_FILENO, terminals[0]);
    if (recipe_.identity && output.err < 0)
        made.from.err = without_input(STDERR_FILENO, terminals[1]);
    low_copies low(lowest_source());
    if (auto done = lower(made.from, low); !done) return done.error();
    return recipe_.identity ? start_apart(made, std::move(report.read)) : start_sharing(made);
}

child spawn_plan::lay_out(unsigned index) const {
    fill_in(index);
    texts lists = lay_out_texts();
    return {.program = recipe_.program.c_str(),
            .arguments = lists.arguments,
            .shell_arguments = lists.shell_arguments,
            .environment = lists.environment,
            .pid_slot = pid_slot_ ? &environment_[pid_slot_] : nullptr,
            .nice = recipe_.nice ? &*recipe_.nice : nullptr,
            .descriptor_limit = original_descriptor_limit(),
            .as = recipe_.identity ? &*recipe_.identity : nullptr,
            .gives_up_capabilities = recipe_.identity || inherits_capabilities(),
            .dies_with_parent = recipe_.die_with_parent,
            .parent = ::getpid()};
}

result<birth> spawn_plan::start_sharing(child& made) const {
    auto pid = os::start_sharing(made);
    if (!pid) return pid.error();
    if (!made.failed) return birth(*pid);
    wait_for(*pid);
    return explain(made.failure, recipe_.program, recipe_.directory);
}

result<birth> spawn_plan::start_apart(child& made, unique_fd report) const {
    auto pid = os::start_apart(made);
    if (!pid) return pid.error();
    return birth(*pid, std::move(report), recipe_.program, recipe_.directory);
}

} // namespace einhyrningsins::os
