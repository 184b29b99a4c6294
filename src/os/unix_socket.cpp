// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/unix_socket.hpp"

#include "os/guarded_directory.hpp"

#include <cstddef>
#include <cstring>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace einhyrningsins::os {
namespace {

constexpr std::size_t most_bytes = sizeof(sockaddr_un::sun_path) - 1;
/// What is left for a name after "/proc/self/fd/N/", however large N is.
constexpr std::size_t most_in_held_directory = most_bytes - sizeof("/proc/self/fd/2147483647");

struct address {
    sockaddr_un storage{};
    socklen_t size = 0;
    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

result<address> make_address(const std::string& name, bool abstract) {
    if (name.size() > most_bytes)
        return os_error{name + ": the path of a unix socket has at most " +
                        std::to_string(most_bytes) + " bytes, this one has " +
                        std::to_string(name.size())};
    address result;
    result.storage.sun_family = AF_UNIX;
    // A NUL precedes an abstract name, or follows a path: the size is the same.
    std::memcpy(result.storage.sun_path + (abstract ? 1 : 0), name.data(), name.size());
    result.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size() + 1);
    return result;
}

/// Whether a process listens there, even if its backlog is full.
bool answers(const address& where, int type) {
    unique_fd probe(::socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!probe) return true; // out of descriptors: assume that it is alive
    return ::connect(probe.get(), where.get(), where.size) == 0 || errno != ECONNREFUSED;
}

result<void> remove_from(const guarded_directory& directory, const socket_file& file) {
    struct stat known {};
    known.st_dev = file.device;
    known.st_ino = file.inode;
    return directory.remove_file(known);
}

/// A name would have to be looked up, which may take long.
std::string user_number(const struct stat& facts) { return "user " + std::to_string(facts.st_uid); }

/// Removes a stale socket in the directory; an error says what is in the way. A socket of
/// `wishes.user` was left behind by a master that was killed, so it may be removed as well.
result<void> remove_stale(const guarded_directory& directory, const address& where,
                          const unix_socket_options& wishes) {
    const std::string& path = wishes.path;
    auto there = directory.status_of(directory.base());
    if (!there) return errno == ENOENT ? result<void>() : last_error(path);
    if (S_ISLNK(there->st_mode))
        return os_error{path + " is a symbolic link" +
                        (there->st_uid == ::geteuid() ? "" : " of " + user_number(*there)) +
                        "; it is left alone"};
    if (!S_ISSOCK(there->st_mode))
        return os_error{path + " exists and is not a socket; it is left alone"};
    if (there->st_uid != ::geteuid() && there->st_uid != wishes.user)
        return os_error{path + " belongs to " + user_number(*there) + "; it is left alone"};
    if (answers(where, wishes.type))
        return os_error{path + " is in use: another process answers there"};
    return directory.remove_file(*there);
}

os_error was_replaced(const std::string& path) {
    return os_error{path + " was replaced by another process"};
}

/// Identifies the file that was just created in the directory. One with two names is an older one
/// that somebody has linked to.
result<socket_file> identify(const guarded_directory& directory, const std::string& path) {
    auto made = directory.status_of(directory.base());
    if (!made) return last_error(path);
    if (!S_ISSOCK(made->st_mode) || made->st_uid != ::geteuid() || made->st_nlink != 1)
        return was_replaced(path);
    return socket_file{path, made->st_dev, made->st_ino};
}

mode_t current_umask() {
    mode_t mask = ::umask(077);
    ::umask(mask);
    return mask;
}

/// bind(2) in the directory; the file is accessible only to this user.
result<socket_file> bind_privately(int fd, const address& where, const std::string& path,
                                   const guarded_directory& directory) {
    mode_t old_mask = ::umask(0177);
    int bound = ::bind(fd, where.get(), where.size);
    int why = errno;
    ::umask(old_mask);
    if (bound != 0) return os_error{path, why};
    auto made = identify(directory, path);
    // One that the system cannot look at is the one that was just made.
    if (!made && made.error().number != 0) (void)directory.remove(directory.base());
    return made;
}

/// The descriptor pins the file, so it cannot be replaced meanwhile.
result<void> set_rights_in(const guarded_directory& directory, const socket_file& file,
                           const unix_socket_options& wishes) {
    unique_fd pin = directory.open(directory.base(), O_PATH, 0);
    struct stat facts {};
    if (!pin || ::fstat(pin.get(), &facts) != 0) return last_error(file.path);
    if (facts.st_dev != file.device || facts.st_ino != file.inode) return was_replaced(file.path);
    uid_t user = wishes.user.value_or(static_cast<uid_t>(-1));
    gid_t group = wishes.group.value_or(static_cast<gid_t>(-1));
    bool owner_changes = wishes.user || wishes.group;
    if (owner_changes && ::fchownat(pin.get(), "", user, group, AT_EMPTY_PATH) != 0)
        return last_error(file.path + ": change of owner");
    // fchmod(2) does not accept O_PATH descriptors; their names in /proc lead to the same file.
    std::string pinned = "/proc/self/fd/" + std::to_string(pin.get());
    mode_t mode = wishes.mode.value_or(0777 & ~current_umask());
    if (::chmod(pinned.c_str(), mode) != 0) return last_error(file.path + ": change of mode");
    return {};
}

/// bind(2) and connect(2) take no directory, only a path.
result<address> address_in(const guarded_directory& directory, const std::string& path) {
    if (auto usual = make_address(path, false); !usual || !directory.is_exchangeable())
        return usual;
    auto held = make_address(directory.held_path(), false);
    if (held) return held;
    return os_error{path + ": the name of a unix socket below a directory of others has at most " +
                    std::to_string(most_in_held_directory) + " bytes, this one has " +
                    std::to_string(directory.base().size())};
}

} // namespace

std::optional<socket_file> find_socket_file(const std::string& path) {
    struct stat there {};
    if (::lstat(path.c_str(), &there) != 0 || !S_ISSOCK(there.st_mode)) return std::nullopt;
    return socket_file{path, there.st_dev, there.st_ino};
}

result<void> set_rights(const socket_file& file, const unix_socket_options& wishes) {
    auto directory = guarded_directory::of(file.path);
    return directory ? set_rights_in(*directory, file, wishes) : directory.error();
}

bool is_in_place(const socket_file& file) {
    struct stat there {};
    return ::lstat(file.path.c_str(), &there) == 0 && there.st_dev == file.device &&
           there.st_ino == file.inode;
}

result<void> remove_socket_file(const socket_file& file) {
    auto directory = guarded_directory::of(file.path);
    return directory ? remove_from(*directory, file) : directory.error();
}

result<unix_socket> open_unix_socket(const unix_socket_options& wishes) {
    // Refuses a path through a link that another user could have made. It is kept open: if there is
    // no descriptor left for what follows, there would be none to remove the file either.
    auto directory = guarded_directory::of(wishes.path);
    if (!directory) return directory.error();
    auto where = address_in(*directory, wishes.path);
    if (!where) return where.error();
    if (auto clear = remove_stale(*directory, *where, wishes); !clear) return clear.error();
    unix_socket made;
    made.fd.reset(::socket(AF_UNIX, wishes.type | SOCK_CLOEXEC, 0));
    if (!made.fd) return last_error("socket");
    auto file = bind_privately(made.fd.get(), *where, wishes.path, *directory);
    if (!file) return file.error();
    auto done = set_rights_in(*directory, *file, wishes);
    if (done && wishes.type == SOCK_STREAM && ::listen(made.fd.get(), wishes.backlog) != 0)
        done = last_error(wishes.path + ": listen");
    if (!done) {
        (void)remove_from(*directory, *file);
        return done.error();
    }
    made.file = std::move(*file);
    return made;
}

result<unique_fd> open_abstract_socket(const std::string& name, int type, int backlog) {
    auto where = make_address(name, true);
    if (!where) return where.error();
    unique_fd fd(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
    if (!fd) return last_error("socket");
    if (::bind(fd.get(), where->get(), where->size) != 0) return last_error("@" + name);
    if (type == SOCK_STREAM && ::listen(fd.get(), backlog) != 0)
        return last_error("@" + name + ": listen");
    return fd;
}

result<socket_pair> make_socket_pair() {
    int fds[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
        return last_error("control socket for a worker");
    return socket_pair{unique_fd(fds[0]), unique_fd(fds[1])};
}

} // namespace einhyrningsins::os
