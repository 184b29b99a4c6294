// SPDX-License-Identifier: GPL-3.0-or-later
#include "world/client.hpp"

#include <charconv>

namespace einhyrningsins::world {
namespace {

/// The id of an answer; 0: it has none.
int id_in(const std::string& line) {
    constexpr std::string_view key = "{\"request_id\":";
    int id = 0;
    if (line.starts_with(key))
        std::from_chars(line.data() + key.size(), line.data() + line.size(), id);
    return id;
}

} // namespace

bool client::connect(std::string_view path) {
    auto there = system_.listener_at(path);
    auto end = std::make_shared<socket>(AF_UNIX, SOCK_STREAM);
    if (!there || socket::connect(end, *there, system_.credentials_of(*who_)) != 0) return false;
    end_ = std::move(end);
    is_closed_ = false;
    return true;
}

bool client::send(std::string_view text) {
    return end_ && end_->write(text) == static_cast<ssize_t>(text.size());
}

int client::request(std::string_view command, std::string_view arguments) {
    std::string line = "{\"id\":" + std::to_string(++last_id_) + ",\"command\":\"" +
                       std::string(command) + "\",\"args\":" + std::string(arguments) + "}\n";
    last_answers_[last_id_];
    send(line);
    return last_id_;
}

void client::listen() {
    if (!end_ || is_deaf) return;
    char piece[4096];
    ssize_t size;
    while ((size = end_->read(piece)) > 0)
        rest_.append(piece, static_cast<std::size_t>(size));
    is_closed_ = size != -EAGAIN;
    for (std::size_t end; (end = rest_.find('\n')) != rest_.npos; rest_.erase(0, end + 1)) {
        lines_.push_back(rest_.substr(0, end));
        int id = id_in(lines_.back());
        if (id && !lines_.back().ends_with(",\"wait\":true}"))
            last_answers_[id].push_back(lines_.back());
    }
}

std::string client::answer_to(int id) const {
    auto found = last_answers_.find(id);
    bool has_one = found != last_answers_.end() && !found->second.empty();
    return has_one ? found->second.front() : std::string();
}

std::vector<int> client::answered_twice() const {
    std::vector<int> ids;
    for (const auto& [id, answers] : last_answers_)
        if (answers.size() > 1) ids.push_back(id);
    return ids;
}

std::vector<int> client::unanswered() const {
    std::vector<int> ids;
    for (const auto& [id, answers] : last_answers_)
        if (answers.empty()) ids.push_back(id);
    return ids;
}

} // namespace einhyrningsins::world
