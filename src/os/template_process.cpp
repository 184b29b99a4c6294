// SPDX-License-Identifier: GPL-3.0-or-later
//
// The messages to the template process are "fork INDEX" and "fork INDEX ROLES". ROLES has a letter
// for each descriptor that is sent with the message: g for the control socket, o for standard
// output, e for standard error. Without ROLES a descriptor is the control socket. The messages from
// the template process are "loaded", "refused REASON", "forked PID" and "failed ERRNO STAGE".
#include "os/template_process.hpp"
#include "core/assert.hpp"

#include "config/number.hpp"
#include "core/printable.hpp"
#include "os/process.hpp"

#include <algorithm>
#include <climits>
#include <csignal>
#include <cstring>

#include <sys/socket.h>

namespace einhyrningsins::os {
namespace {

constexpr int first_descriptor = 3;

/// The program of this process, which is executed again: a template process does not share the
/// memory of the master.
constexpr const char* executed_again = "/proc/self/exe";

/// The words that run_template() reads.
std::vector<std::string> words_for(const spawn_recipe& worker, const std::string& object,
                                   bool socket_as_fd) {
    std::string control = std::to_string(first_descriptor + worker.descriptors.size());
    std::string flags =
        std::string("-") + (socket_as_fd ? "g" : "") + (worker.die_with_parent ? "k" : "");
    if (!worker.indexed_entry.empty())
        flags += ":" + worker.indexed_entry.substr(0, worker.indexed_entry.find('='));
    std::vector<std::string> words{"einhyrningsins", std::string(template_word), control, flags,
                                   object};
    words.insert(words.end(), worker.arguments.begin(), worker.arguments.end());
    return words;
}

/// Removes the first word and returns it.
std::string_view take_word(std::string_view& text) {
    std::size_t end = std::min(text.find(' '), text.size());
    std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return word;
}

template_answer_type understand(std::string_view text) {
    if (text.empty()) return template_answer::closed{};
    std::string_view verb = take_word(text);
    if (verb == "loaded") return template_answer::loaded{};
    if (verb == "refused") return template_answer::refused{core::printable(text)};
    if (verb != "forked" && verb != "failed") return template_answer::garbled{};
    auto number = config::parse_number(take_word(text), 1, INT_MAX);
    if (!number) return template_answer::garbled{};
    if (verb == "forked") return template_answer::forked{static_cast<pid_t>(*number)};
    return template_answer::fork_failed{{core::printable(text), static_cast<int>(*number)}};
}

} // namespace

result<template_process> template_process::start(spawn_recipe worker, const std::string& object,
                                                 bool socket_as_fd, output_descriptors output) {
    int fds[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0)
        return last_error("control socket for a template process");
    unique_fd ours(fds[0]), theirs(fds[1]);
    worker.arguments = words_for(worker, object, socket_as_fd);
    worker.program = executed_again;
    auto plan = spawn_plan::make(std::move(worker));
    auto child = plan.spawn(0, theirs.get(), output);
    if (!child) return child.error();
    return template_process(std::move(*child), std::move(ours));
}

template_process::~template_process() {
    if (control_) process(pid()).signal(SIGKILL);
}

/// Without output descriptors the message has no roles, which older templates do not know.
result<void> template_process::ask(unsigned index, int extra_fd, output_descriptors output) const {
    std::string roles;
    std::vector<int> descriptors;
    auto add = [&](char role, int fd) {
        if (fd < 0) return;
        roles += role;
        descriptors.push_back(fd);
    };
    add('g', extra_fd);
    add('o', output.out);
    add('e', output.err);
    std::string text = "fork " + std::to_string(index);
    if (output.out >= 0 || output.err >= 0) text += " " + roles;
    return send_template_message(control_.get(), text, descriptors, MSG_DONTWAIT);
}

/// There is no room for descriptors: those that come along are not installed, see notify_socket.
std::optional<template_answer_type> template_process::hear() const {
    char text[template_message_limit];
    ssize_t size = ::recv(control_.get(), text, sizeof text, MSG_DONTWAIT);
    if (size >= 0) return understand({text, static_cast<std::size_t>(size)});
    if (errno == EAGAIN) return std::nullopt;
    return template_answer::closed{};
}

std::optional<os_error> template_process::why_not_executed() {
    auto outcome = birth_.outcome();
    if (!outcome || *outcome) return std::nullopt;
    return outcome->error();
}

result<void> send_template_message(int control, std::string_view text,
                                   std::span<const int> descriptors, int flags) {
    assert(descriptors.size() <= template_descriptor_limit);
    iovec part{const_cast<char*>(text.data()), text.size()};
    template_descriptor_room room{};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (!descriptors.empty()) {
        message.msg_control = room.bytes;
        message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
        room.header = {CMSG_LEN(descriptors.size_bytes()), SOL_SOCKET, SCM_RIGHTS};
        std::memcpy(CMSG_DATA(&room.header), descriptors.data(), descriptors.size_bytes());
    }
    if (::sendmsg(control, &message, flags | MSG_NOSIGNAL) < 0)
        return last_error("message to a template process");
    return {};
}

} // namespace einhyrningsins::os
