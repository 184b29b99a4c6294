// SPDX-License-Identifier: GPL-3.0-or-later
#include "ctl/trust.hpp"

#include "os/directory_trust.hpp"
#include "os/unique_fd.hpp"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <sstream>

namespace einhyrningsins::ctl {
namespace {

using reason = std::optional<std::string>;

std::string name_of(uid_t user) {
    const passwd* known = ::getpwuid(user);
    return "user " + (known ? std::string(known->pw_name) : std::to_string(user));
}

/// Goes from the root to what a path names, links included, and looks at each step for who could
/// have put it there.
class path_walk {
  public:
    explicit path_walk(uid_t owner)
        : us_{{0, ::geteuid()}, {0}},
          with_owner_{{0, ::geteuid(), owner}, {0}} {}

    /// Nothing: nobody but root, we and the owner.
    reason go(const std::string& path) {
        add(path[0] == '/' ? path : working_directory() + "/" + path);
        while (!steps_.empty())
            if (auto why = step()) return why;
        return std::nullopt;
    }

  private:
    static std::string working_directory() {
        char buffer[PATH_MAX];
        return ::getcwd(buffer, sizeof buffer) ? buffer : "/";
    }

    /// What a path consists of comes next.
    void add(const std::string& path) {
        std::istringstream text(path);
        std::deque<std::string> first;
        for (std::string name; std::getline(text, name, '/');)
            if (!name.empty() && name != ".") first.push_back(name);
        steps_.insert(steps_.begin(), first.begin(), first.end());
        if (path[0] == '/') place_.clear();
    }

    reason step() {
        std::string name = steps_.front();
        steps_.pop_front();
        if (name == "..") {
            place_.erase(std::min(place_.rfind('/'), place_.size()));
            return std::nullopt;
        }
        std::string entry = place_ + "/" + name;
        os::unique_fd fd(::open((place_ + "/").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
        if (!fd) return entry + ": " + std::strerror(errno);
        auto directory = os::facts_of(fd.get());
        if (!directory) return entry + ": " + directory.error().message();
        struct stat facts {};
        if (::lstat(entry.c_str(), &facts) != 0) return entry + ": " + std::strerror(errno);
        if (auto why = look_at(*directory, facts)) return why;
        return S_ISLNK(facts.st_mode) ? follow(entry) : (place_ = entry, std::nullopt);
    }

    /// Where others may write as well, nothing proves that it was the owner: only what is ours can
    /// be told from theirs, by the sticky bit.
    reason look_at(const os::directory_facts& directory, const struct stat& entry) const {
        if (!os::is_open_to_others(directory, with_owner_)) return std::nullopt;
        bool is_ours = std::ranges::find(us_.users, entry.st_uid) != us_.users.end();
        if (is_ours && os::is_protected(entry, directory, with_owner_)) return std::nullopt;
        std::string name = place_.empty() ? "/" : place_;
        uid_t user = directory.status.st_uid;
        bool is_strange = std::ranges::find(with_owner_.users, user) == with_owner_.users.end();
        return is_strange ? name + " belongs to " + name_of(user) : "others may write to " + name;
    }

    reason follow(const std::string& link) {
        constexpr int most_links = 40;
        char target[PATH_MAX];
        ssize_t size = ::readlink(link.c_str(), target, sizeof target);
        if (size <= 0) return link + ": " + std::strerror(errno);
        if (++links_ > most_links) return link + ": " + std::strerror(ELOOP);
        add({target, static_cast<std::size_t>(size)});
        return std::nullopt;
    }

    os::trusted us_, with_owner_;
    std::string place_; ///< a directory, without links; empty: the root
    std::deque<std::string> steps_;
    int links_ = 0;
};

} // namespace

std::optional<std::string> why_not_trusted(int socket, const std::string& path) {
    ucred peer{};
    socklen_t size = sizeof peer;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
        return std::string("its user is not known: ") + std::strerror(errno);
    if (peer.uid == 0 || peer.uid == ::geteuid()) return std::nullopt;
    auto why = path_walk(peer.uid).go(path);
    if (!why) return std::nullopt;
    return "it is of " + name_of(peer.uid) +
           ", who is neither root nor you, and need not be the "
           "one who is meant: " +
           *why;
}

} // namespace einhyrningsins::ctl
