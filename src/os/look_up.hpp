// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "config/settings.hpp"
#include "os/identity.hpp"
#include "os/os_error.hpp"

#include <compare>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include <sys/socket.h>
#include <sys/types.h>

namespace einhyrningsins::os {

/// An address of an IPv4 or IPv6 socket, with port 0.
struct inet_endpoint {
    sockaddr_storage address;
    socklen_t size = 0;
};

/// Questions to name servers, the user database and directories, each with the type of its answer.
/// Any of them may take seconds to answer.
namespace query {

/// The addresses of a host, see getaddrinfo(3); never an empty list.
struct host {
    std::string name;
    config::ip_family family = config::ip_family::any;
    using answer = std::vector<inet_endpoint>;
    auto operator<=>(const host&) const = default;
};

/// The ids of a user and of a group, by name or number.
struct user {
    std::string name;
    using answer = uid_t;
    auto operator<=>(const user&) const = default;
};
struct group {
    std::string name;
    using answer = gid_t;
    auto operator<=>(const group&) const = default;
};

/// See find_identity().
struct account {
    std::string user, group;
    using answer = std::optional<identity>;
    auto operator<=>(const account&) const = default;
};

/// See find_program().
struct program {
    std::string name, search_path, directory;
    using answer = std::string;
    auto operator<=>(const program&) const = default;
};

} // namespace query

using any_query =
    std::variant<query::host, query::user, query::group, query::account, query::program>;

/// Answers that were looked up in advance, so that their users do not wait for a name server, the
/// user database or a disk. Plain data, which one thread may fill for another.
class look_ups {
  public:
    /// Looks up what is not known yet. May wait: call it on a helper thread (see background), or
    /// before the loop runs.
    void add(const std::vector<any_query>& wanted);

    /// Looks up what is not known yet and needs neither a name server nor the user database: the
    /// programs. Returns the rest, each once, for add().
    std::vector<any_query> add_local(const std::vector<any_query>& wanted);

    /// What of() could not answer, each once.
    std::vector<any_query> unknown(const std::vector<any_query>& wanted) const;

    /// The answer, or an error. Numbers and numeric addresses need not be looked up. Never waits.
    template <class Query>
    result<typename Query::answer> of(const Query& what) const;

  private:
    template <class Query>
    using table = std::map<Query, result<typename Query::answer>>;

    template <class Query>
    bool knows(const Query& what) const;

    std::tuple<table<query::host>, table<query::user>, table<query::group>, table<query::account>,
               table<query::program>>
        tables_;
};

} // namespace einhyrningsins::os
