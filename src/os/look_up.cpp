// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/look_up.hpp"

#include "os/credentials.hpp"
#include "os/spawn.hpp"

#include <algorithm>
#include <cstring>
#include <memory>

#include <netdb.h>

namespace einhyrningsins::os {
namespace {

using config::ip_family;

// Look-ups, which may wait

int address_family(ip_family family) {
    return family == ip_family::v4 ? AF_INET : family == ip_family::v6 ? AF_INET6 : AF_UNSPEC;
}

using address_list = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

std::vector<inet_endpoint> endpoints(const addrinfo* found) {
    std::vector<inet_endpoint> all;
    for (; found; found = found->ai_next) {
        inet_endpoint one{{}, found->ai_addrlen};
        std::memcpy(&one.address, found->ai_addr, found->ai_addrlen);
        all.push_back(one);
    }
    return all;
}

/// `flags` as in getaddrinfo(3). The type makes each address come once.
result<std::vector<inet_endpoint>> ask(const query::host& what, int flags) {
    addrinfo hints{};
    hints.ai_family = address_family(what.family);
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = flags;
    addrinfo* found = nullptr;
    int error = ::getaddrinfo(what.name.c_str(), nullptr, &hints, &found);
    address_list owner(found, &::freeaddrinfo);
    if (error == EAI_SYSTEM) return last_error(what.name);
    if (error != 0) {
        const char* family = what.family == ip_family::v4   ? " (only IPv4 was asked for)"
                             : what.family == ip_family::v6 ? " (only IPv6 was asked for)"
                                                            : "";
        return os_error{what.name + ": " + ::gai_strerror(error) + family};
    }
    auto all = endpoints(found);
    if (all.empty()) return os_error{what.name + " has no address"};
    return all;
}

result<std::vector<inet_endpoint>> look_up(const query::host& what) { return ask(what, 0); }

result<uid_t> look_up(const query::user& what) { return user_id(what.name); }

result<gid_t> look_up(const query::group& what) { return group_id(what.name); }

result<std::optional<identity>> look_up(const query::account& what) {
    return find_identity(what.user, what.group);
}

result<std::string> look_up(const query::program& what) {
    return find_program(what.name, what.search_path, what.directory);
}

// Answers that need no look-up

template <class Query>
using answer_at_once = std::optional<result<typename Query::answer>>;

/// A numeric address of the other family needs no look-up either: the answer is an error.
answer_at_once<query::host> known_already(const query::host& what) {
    if (auto own = ask(what, AI_NUMERICHOST)) return own;
    if (ask({what.name, ip_family::any}, AI_NUMERICHOST)) return ask(what, AI_NUMERICHOST);
    return std::nullopt;
}

answer_at_once<query::user> known_already(const query::user& what) {
    if (auto number = number_of_id(what.name)) return *number;
    return std::nullopt;
}

answer_at_once<query::group> known_already(const query::group& what) {
    if (auto number = number_of_id(what.name)) return *number;
    return std::nullopt;
}

answer_at_once<query::account> known_already(const query::account& what) {
    if (what.user.empty() && what.group.empty()) return std::optional<identity>();
    return std::nullopt;
}

answer_at_once<query::program> known_already(const query::program&) { return std::nullopt; }

std::string subject_of(const auto& what) { return what.name; }

std::string subject_of(const query::account& what) {
    return what.user.empty() ? what.group : what.user;
}

} // namespace

template <class Query>
bool look_ups::knows(const Query& what) const {
    return std::get<table<Query>>(tables_).contains(what) || known_already(what);
}

std::vector<any_query> look_ups::unknown(const std::vector<any_query>& wanted) const {
    std::vector<any_query> left;
    for (const any_query& one : wanted) {
        bool is_known = std::visit([this](const auto& what) { return knows(what); }, one);
        if (!is_known && std::ranges::find(left, one) == left.end()) left.push_back(one);
    }
    return left;
}

void look_ups::add(const std::vector<any_query>& wanted) {
    for (const any_query& one : unknown(wanted))
        std::visit(
            [this]<class Query>(const Query& what) {
                std::get<table<Query>>(tables_).emplace(what, look_up(what));
            },
            one);
}

std::vector<any_query> look_ups::add_local(const std::vector<any_query>& wanted) {
    std::vector<any_query> left = unknown(wanted);
    auto programs = std::ranges::partition(
        left, [](const any_query& each) { return !std::holds_alternative<query::program>(each); });
    add({programs.begin(), programs.end()});
    left.erase(programs.begin(), programs.end());
    return left;
}

template <class Query>
result<typename Query::answer> look_ups::of(const Query& what) const {
    if (auto answer = known_already(what)) return *answer;
    const auto& known = std::get<table<Query>>(tables_);
    if (auto found = known.find(what); found != known.end()) return found->second;
    return os_error{subject_of(what) + " has not been looked up"};
}

template result<query::host::answer> look_ups::of(const query::host&) const;
template result<query::user::answer> look_ups::of(const query::user&) const;
template result<query::group::answer> look_ups::of(const query::group&) const;
template result<query::account::answer> look_ups::of(const query::account&) const;
template result<query::program::answer> look_ups::of(const query::program&) const;

} // namespace einhyrningsins::os
