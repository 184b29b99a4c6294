// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/guarded_directory.hpp"

#include <climits>
#include <deque>
#include <memory>

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

namespace einhyrningsins::os {
namespace {

/// The limit of the kernel, see path_resolution(7).
constexpr int most_links = 40;

std::deque<std::string> components_of(std::string_view path) {
    std::deque<std::string> names;
    for (std::size_t at = 0, end; at < path.size(); at = end + 1) {
        end = std::min(path.find('/', at), path.size());
        if (end > at) names.emplace_back(path.substr(at, end - at));
    }
    return names;
}

} // namespace

/// Walks from the root or the working directory to a directory.
class guarded_walk {
  public:
    explicit guarded_walk(const std::string& path) : path_(path) {}

    result<guarded_directory> go() {
        std::size_t name = path_.rfind('/') + 1; // 0 without a slash
        std::string folder = path_.substr(0, name);
        if (auto begun = begin(folder); !begun) return begun.error();
        while (!left_.empty()) {
            std::string next = std::move(left_.front());
            left_.pop_front();
            if (auto entered = enter(next); !entered) return entered.error();
        }
        guarded_directory found(std::move(fd_), facts_, is_foreign(), is_exchangeable_);
        found.folder_ = folder;
        found.base_ = path_.substr(name);
        return found;
    }

  private:
    bool is_foreign() const { return is_exchangeable_ || is_open_to_others(facts_, us_); }

    os_error failure() const { return last_error(path_ + ": its directory"); }

    /// Goes to the start of `path`, and inserts its components before those that are left.
    result<void> begin(std::string_view path) {
        auto names = components_of(path);
        left_.insert(left_.begin(), names.begin(), names.end());
        bool absolute = path.starts_with('/');
        if (fd_ && !absolute) return {};
        fd_.reset(::open(absolute ? "/" : ".", O_PATH | O_DIRECTORY | O_CLOEXEC));
        if (!fd_) return failure();
        auto facts = facts_of(fd_.get());
        if (!facts) return failure();
        facts_ = *facts;
        is_exchangeable_ = false;
        return {};
    }

    result<void> enter(const std::string& name) {
        // O_DIRECTORY triggers automounts.
        unique_fd inner(
            ::openat(fd_.get(), name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
        if (!inner) return errno == ENOTDIR ? follow(name) : result<void>(failure());
        auto facts = facts_of(inner.get());
        if (!facts) return failure();
        is_exchangeable_ |= !is_protected(facts->status, facts_, us_);
        fd_ = std::move(inner);
        facts_ = *facts;
        return {};
    }

    result<void> follow(const std::string& name) {
        std::string target(PATH_MAX, '\0');
        ssize_t size = ::readlinkat(fd_.get(), name.c_str(), target.data(), target.size());
        if (size < 0) errno = errno == EINVAL ? ENOTDIR : errno;
        if (size < 0) return failure();
        if (is_foreign())
            return os_error{
                path_ + ": '" + name + "' in it is a symbolic link that " +
                stranger_in(facts_, us_) +
                " could have created; it is not followed: use the path that it leads to"};
        if (++links_ > most_links) errno = ELOOP;
        if (links_ > most_links) return failure();
        target.resize(static_cast<std::size_t>(size));
        return begin(target);
    }

    const std::string& path_;
    std::deque<std::string> left_; ///< components that have not been entered yet
    unique_fd fd_;                 ///< the current directory
    directory_facts facts_;
    bool is_exchangeable_ = false; ///< other users can replace it by another directory
    int links_ = 0;
    const trusted us_ = root_and_us();
};

result<guarded_directory> guarded_directory::of(const std::string& path) {
    return guarded_walk(path).go();
}

std::string guarded_directory::stranger() const { return stranger_in(facts_, root_and_us()); }

std::string guarded_directory::held_path() const {
    if (!exchangeable_) return path_of(base_);
    return "/proc/self/fd/" + std::to_string(fd_.get()) + "/" + base_;
}

bool guarded_directory::has(const std::string& name) const { return status_of(name).has_value(); }

std::optional<struct stat> guarded_directory::status_of(const std::string& name) const {
    struct stat facts {};
    if (::fstatat(fd_.get(), name.c_str(), &facts, AT_SYMLINK_NOFOLLOW) != 0) return std::nullopt;
    return facts;
}

bool guarded_directory::holds(const std::string& name, const struct stat& file) const {
    auto named = status_of(name);
    return named && named->st_dev == file.st_dev && named->st_ino == file.st_ino;
}

result<void> guarded_directory::remove_file(const struct stat& file) const {
    struct stat named {};
    bool fails = ::fstatat(fd_.get(), base_.c_str(), &named, AT_SYMLINK_NOFOLLOW) != 0;
    if (!fails && (named.st_dev != file.st_dev || named.st_ino != file.st_ino)) return {};
    fails = fails || ::unlinkat(fd_.get(), base_.c_str(), 0) != 0;
    return fails && errno != ENOENT ? last_error(path_of(base_)) : result<void>();
}

unique_fd guarded_directory::open(const std::string& name, int flags, mode_t mode) const {
    return unique_fd(::openat(fd_.get(), name.c_str(), flags | O_NOFOLLOW | O_CLOEXEC, mode));
}

result<void> guarded_directory::check_owner(const std::string& name,
                                            const struct stat& file) const {
    if (!foreign_ || file.st_uid == ::geteuid() || file.st_uid == facts_.status.st_uid) return {};
    return os_error{path_of(name) + " belongs to uid " + std::to_string(file.st_uid) + ", and " +
                    stranger() +
                    " can create files in its directory; it is left alone: remove it, " +
                    "or give it to uid " + std::to_string(::geteuid())};
}

result<void> guarded_directory::check_name(const std::string& name) const {
    struct stat facts {};
    if (!foreign_ || ::fstatat(fd_.get(), name.c_str(), &facts, AT_SYMLINK_NOFOLLOW) != 0)
        return {}; // the caller's system call reports the error
    return check_owner(name, facts);
}

result<void> guarded_directory::rename(const std::string& from, const std::string& to) const {
    for (const std::string& name : {from, to})
        if (auto good = check_name(name); !good) return good;
    if (::renameat(fd_.get(), from.c_str(), fd_.get(), to.c_str()) != 0)
        return last_error(path_of(from) + " to " + path_of(to));
    return {};
}

result<void> guarded_directory::remove(const std::string& name) const {
    if (auto good = check_name(name); !good) return good;
    if (::unlinkat(fd_.get(), name.c_str(), 0) != 0) return last_error(path_of(name));
    return {};
}

result<std::vector<std::string>> guarded_directory::names_beginning(std::string_view prefix) const {
    unique_fd fd(::openat(fd_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd) return last_error(path_of("."));
    std::unique_ptr<DIR, int (*)(DIR*)> open(::fdopendir(fd.get()), ::closedir);
    if (!open) return last_error(path_of("."));
    fd.release();
    std::vector<std::string> names;
    while (const dirent* entry = ::readdir(open.get()))
        if (std::string_view(entry->d_name).starts_with(prefix)) names.emplace_back(entry->d_name);
    return names;
}

} // namespace einhyrningsins::os
