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

struct address {
    sockaddr_un storage{};
    socklen_t size = 0;
    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

result<address> make_address(const std::string& name, bool abstract) {
    constexpr std::size_t most = sizeof(sockaddr_un::sun_path) - 1;
    if (name.size() > most)
        return os_error{name + ": the path of a unix socket has at most " + std::to_string(most) +
                        " bytes, this one has " + std::to_string(name.size())};
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

/// Removes a stale socket at the path; an error says what is in the way. A socket of `wishes.user`
/// was left behind by a master that was killed, so it may be removed as well.
result<void> remove_stale(const address& where, const unix_socket_options& wishes) {
    const std::string& path = wishes.path;
    struct stat there {};
    if (::lstat(path.c_str(), &there) != 0)
        return errno == ENOENT ? result<void>() : last_error(path);
    if (!S_ISSOCK(there.st_mode))
        return os_error{path + " exists and is not a socket; it is left alone"};
    if (there.st_uid != ::geteuid() && there.st_uid != wishes.user)
        return os_error{path + " belongs to user " + std::to_string(there.st_uid) +
                        "; it is left alone"};
    if (answers(where, wishes.type))
        return os_error{path + " is in use: another process answers there"};
    return remove_socket_file({path, there.st_dev, there.st_ino});
}

/// Identifies the file that was just created at the path.
result<socket_file> identify(const std::string& path) {
    struct stat made {};
    if (::lstat(path.c_str(), &made) != 0) return last_error(path);
    if (!S_ISSOCK(made.st_mode) || made.st_uid != ::geteuid())
        return os_error{path + " was replaced by another process"};
    return socket_file{path, made.st_dev, made.st_ino};
}

result<void> remove_from(const guarded_directory& directory, const socket_file& file) {
    struct stat known {};
    known.st_dev = file.device;
    known.st_ino = file.inode;
    return directory.remove_file(known);
}

mode_t current_umask() {
    mode_t mask = ::umask(077);
    ::umask(mask);
    return mask;
}

/// bind(2) to a path; the file is accessible only to this user.
result<socket_file> bind_privately(int fd, const address& where, const std::string& path,
                                   const guarded_directory& directory) {
    mode_t old_mask = ::umask(0177);
    int bound = ::bind(fd, where.get(), where.size);
    int why = errno;
    ::umask(old_mask);
    if (bound != 0) return os_error{path, why};
    auto made = identify(path);
    // One that the system cannot look at is the one that was just made.
    if (!made && made.error().number != 0) (void)directory.remove(directory.base());
    return made;
}

} // namespace

std::optional<socket_file> find_socket_file(const std::string& path) {
    struct stat there {};
    if (::lstat(path.c_str(), &there) != 0 || !S_ISSOCK(there.st_mode)) return std::nullopt;
    return socket_file{path, there.st_dev, there.st_ino};
}

/// The descriptor pins the file, so it cannot be replaced by a link meanwhile.
result<void> set_rights(const socket_file& file, const unix_socket_options& wishes) {
    unique_fd pin(::open(file.path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    struct stat facts {};
    if (!pin || ::fstat(pin.get(), &facts) != 0) return last_error(file.path);
    if (facts.st_dev != file.device || facts.st_ino != file.inode)
        return os_error{file.path + " was replaced by another process"};
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
    auto where = make_address(wishes.path, false);
    if (!where) return where.error();
    // Refuses a path through a link that another user could have made. It is kept open: if there is
    // no descriptor left for what follows, there would be none to remove the file either.
    auto directory = guarded_directory::of(wishes.path);
    if (!directory) return directory.error();
    if (auto clear = remove_stale(*where, wishes); !clear) return clear.error();
    unix_socket made;
    made.fd.reset(::socket(AF_UNIX, wishes.type | SOCK_CLOEXEC, 0));
    if (!made.fd) return last_error("socket");
    auto file = bind_privately(made.fd.get(), *where, wishes.path, *directory);
    if (!file) return file.error();
    auto done = set_rights(*file, wishes);
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
