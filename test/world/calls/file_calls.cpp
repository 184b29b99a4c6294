// SPDX-License-Identifier: GPL-3.0-or-later
//
// Calls about files and directories.
#include "world/calls/call.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <unistd.h>

namespace einhyrningsins::world {
namespace {

kernel& sys() { return *simulation(); }

long open_at(int directory, const char* path, int flags, mode_t mode) {
    auto [made, error] = sys().open(self(), directory, path, flags, mode);
    if (error) return error;
    made->flags = flags & ~(O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW | O_DIRECTORY | O_TRUNC);
    return sys().open_descriptor(self(), std::move(made), flags & O_CLOEXEC);
}

long status_of(const place& found, struct stat* into) {
    if (!found.there) return -(found.error ? found.error : ENOENT);
    *into = found.there->status();
    return 0;
}

std::pair<inode_ptr, int> node_of(int directory, const char* path, int flags) {
    if (*path == '\0' && (flags & AT_EMPTY_PATH)) {
        auto open = sys().file_of<tree_file>(self(), directory);
        return {open ? open->node() : nullptr, open ? 0 : -EBADF};
    }
    place found = sys().find(self(), directory, path, !(flags & AT_SYMLINK_NOFOLLOW));
    return {found.there, found.there ? 0 : -(found.error ? found.error : ENOENT)};
}

/// The right to add and remove names, sticky bit included.
bool may_change(const inode& directory, const inode* there) {
    const process& who = self();
    if (who.user == 0) return true;
    bool is_writable = who.user == directory.user ? directory.mode & 0200 : directory.mode & 02;
    bool is_sticky = directory.mode & S_ISVTX;
    return is_writable &&
           (!is_sticky || !there || there->user == who.user || directory.user == who.user);
}

long remove_name(int directory, const char* path, bool is_directory) {
    place found = sys().find(self(), directory, path, false);
    if (!found.there) return -(found.error ? found.error : ENOENT);
    if (found.there->is_directory() != is_directory) return is_directory ? -ENOTDIR : -EISDIR;
    if (is_directory && !found.there->entries.empty()) return -ENOTEMPTY;
    if (!may_change(*found.directory, found.there.get())) return -EACCES;
    --found.there->links;
    found.directory->entries.erase(found.name);
    sys().notice(*found.directory, IN_DELETE, found.name);
    sys().notice(*found.there, IN_ATTRIB);
    if (found.there->links == 0) sys().notice(*found.there, IN_DELETE_SELF);
    return 0;
}

long copy_text(const std::string& text, char* into, std::size_t size) {
    return static_cast<long>(text.copy(into, size));
}

} // namespace

namespace {

/// A file without a name.
long open_nameless(const char* name, bool closes_on_exec) {
    auto node = std::make_shared<inode>();
    node->mode = S_IFREG | 0600;
    auto made = std::make_shared<tree_file>(std::move(node), name);
    made->flags = O_RDWR;
    return sys().open_descriptor(self(), std::move(made), closes_on_exec);
}

/// Replaces the Xs at the end of a name until there is no such file.
void fill_in(char* name) {
    std::string_view all = name;
    for (int n = 100'000; all.ends_with("XXXXXX") || sys().find(self(), -1, name).there; ++n)
        std::to_string(n).copy(name + all.size() - 6, 6);
}

} // namespace

SYSTEM_CALL(int, open, (const char* path, int flags, mode_t mode), (path, flags, mode)) {
    if ((flags & O_TMPFILE) == O_TMPFILE) return open_nameless(path, flags & O_CLOEXEC);
    return open_at(-1, path, flags, mode);
}
SYSTEM_CALL(int, __open_2, (const char* path, int flags), (path, flags)) {
    return open_at(-1, path, flags, 0);
}
SYSTEM_CALL(int, openat, (int directory, const char* path, int flags, mode_t mode),
            (directory, path, flags, mode)) {
    return open_at(directory, path, flags, mode);
}

SYSTEM_CALL(int, memfd_create, (const char* name, unsigned flags), (name, flags)) {
    return open_nameless(name, flags & 1U);
}
SYSTEM_CALL(int, mkostemp, (char* name, int flags), (name, flags)) {
    fill_in(name);
    return open_at(-1, name, flags | O_RDWR | O_CREAT | O_EXCL, 0600);
}

SYSTEM_CALL(int, stat, (const char* path, struct stat* into), (path, into)) {
    return status_of(sys().find(self(), -1, path), into);
}
SYSTEM_CALL(int, lstat, (const char* path, struct stat* into), (path, into)) {
    return status_of(sys().find(self(), -1, path, false), into);
}
SYSTEM_CALL(int, fstat, (int fd, struct stat* into), (fd, into)) {
    file_ptr open = sys().file_of(self(), fd);
    if (!open) return -EBADF;
    *into = open->status();
    return 0;
}
SYSTEM_CALL(int, fstatat, (int directory, const char* path, struct stat* into, int flags),
            (directory, path, into, flags)) {
    auto [node, error] = node_of(directory, path, flags);
    if (node) *into = node->status();
    return error;
}

SYSTEM_CALL(int, statx, (int directory, const char* path, int flags, unsigned mask, void* into),
            (directory, path, flags, mask, into)) {
    ignore(directory, path, flags, mask, into);
    return -ENOSYS;
}

SYSTEM_CALL(int, access, (const char* path, int mode), (path, mode)) {
    place found = sys().find(self(), -1, path);
    if (!found.there) return -(found.error ? found.error : ENOENT);
    return (mode & X_OK) && !(found.there->mode & 0111) ? -EACCES : 0;
}
SYSTEM_CALL(int, faccessat, (int directory, const char* path, int mode, int flags),
            (directory, path, mode, flags)) {
    ignore(flags);
    place found = sys().find(self(), directory, path);
    if (!found.there) return -(found.error ? found.error : ENOENT);
    return (mode & X_OK) && !(found.there->mode & 0111) ? -EACCES : 0;
}

SYSTEM_CALL(int, chmod, (const char* path, mode_t mode), (path, mode)) {
    place found = sys().find(self(), -1, path);
    if (!found.there) return -(found.error ? found.error : ENOENT);
    found.there->mode = (found.there->mode & S_IFMT) | mode;
    sys().notice(*found.there, IN_ATTRIB);
    return 0;
}
SYSTEM_CALL(int, fchmod, (int fd, mode_t mode), (fd, mode)) {
    auto open = sys().file_of<tree_file>(self(), fd);
    if (!open) return -EBADF;
    open->node()->mode = (open->node()->mode & S_IFMT) | mode;
    return 0;
}
SYSTEM_CALL(int, fchown, (int fd, uid_t user, gid_t group), (fd, user, group)) {
    ignore(user, group);
    return sys().file_of(self(), fd) ? 0 : -EBADF;
}
SYSTEM_CALL(int, fchownat, (int directory, const char* path, uid_t user, gid_t group, int flags),
            (directory, path, user, group, flags)) {
    auto [node, error] = node_of(directory, path, flags);
    if (!node) return error;
    if (user != static_cast<uid_t>(-1)) node->user = user;
    if (group != static_cast<gid_t>(-1)) node->group = group;
    return 0;
}

SYSTEM_CALL(int, ftruncate, (int fd, off_t size), (fd, size)) {
    auto open = sys().file_of<tree_file>(self(), fd);
    if (!open) return -EBADF;
    open->node()->text.resize(static_cast<std::size_t>(size));
    return 0;
}

/// Only as LOCK_EX | LOCK_NB. The lock ends with the open file description.
SYSTEM_CALL(int, flock, (int fd, int operation), (fd, operation)) {
    ignore(operation);
    auto open = sys().file_of<tree_file>(self(), fd);
    if (!open) return -EBADF;
    auto holder = open->node()->locked_by.lock();
    if (holder && holder != open) return -EWOULDBLOCK;
    open->node()->locked_by = open;
    return 0;
}

SYSTEM_CALL(int, unlink, (const char* path), (path)) { return remove_name(-1, path, false); }
SYSTEM_CALL(int, unlinkat, (int directory, const char* path, int flags), (directory, path, flags)) {
    return remove_name(directory, path, flags & AT_REMOVEDIR);
}
SYSTEM_CALL(int, rmdir, (const char* path), (path)) { return remove_name(-1, path, true); }

/// By std::filesystem.
SYSTEM_CALL(int, remove, (const char* path), (path)) {
    place found = sys().find(self(), -1, path, false);
    return remove_name(-1, path, found.there && found.there->is_directory());
}

SYSTEM_CALL(int, mkdir, (const char* path, mode_t mode), (path, mode)) {
    place found = sys().find(self(), -1, path, false);
    if (found.error) return -found.error;
    if (found.there) return -EEXIST;
    if (!may_change(*found.directory, nullptr)) return -EACCES;
    sys().files().make(found, S_IFDIR | (mode & ~self().umask), self().user);
    return 0;
}

SYSTEM_CALL(int, renameat, (int from_directory, const char* from, int to_directory, const char* to),
            (from_directory, from, to_directory, to)) {
    place source = sys().find(self(), from_directory, from, false);
    place target = sys().find(self(), to_directory, to, false);
    if (!source.there) return -(source.error ? source.error : ENOENT);
    if (target.error) return -target.error;
    if (!may_change(*source.directory, source.there.get()) ||
        !may_change(*target.directory, target.there.get()))
        return -EACCES;
    if (target.there) --target.there->links;
    source.directory->entries.erase(source.name);
    target.directory->entries[target.name] = source.there;
    sys().notice(*source.directory, IN_MOVED_FROM, source.name);
    sys().notice(*target.directory, IN_MOVED_TO, target.name);
    sys().notice(*source.there, IN_MOVE_SELF);
    if (target.there) sys().notice(*target.there, IN_DELETE_SELF);
    return 0;
}

SYSTEM_CALL(ssize_t, readlink, (const char* path, char* into, size_t size), (path, into, size)) {
    if (std::string_view(path) == "/proc/self/exe") return copy_text(self().path, into, size);
    if (std::string_view(path).starts_with("/proc/self/fd/")) {
        place open = sys().find(self(), -1, path);
        if (!open.there || !open.there->is_directory()) return -ENOENT;
        return copy_text(sys().files().path_of(*open.there), into, size);
    }
    place found = sys().find(self(), -1, path, false);
    if (!found.there) return -(found.error ? found.error : ENOENT);
    return found.there->is_link() ? copy_text(found.there->text, into, size) : -EINVAL;
}
SYSTEM_CALL(ssize_t, readlinkat, (int directory, const char* path, char* into, size_t size),
            (directory, path, into, size)) {
    place found = sys().find(self(), directory, path, false);
    if (!found.there) return -(found.error ? found.error : ENOENT);
    return found.there->is_link() ? copy_text(found.there->text, into, size) : -EINVAL;
}

/// No file has an access control list.
SYSTEM_CALL(ssize_t, getxattr, (const char* path, const char* name, void* into, size_t size),
            (path, name, into, size)) {
    ignore(path, name, into, size);
    return -ENODATA;
}

SYSTEM_CALL(mode_t, umask, (mode_t mask), (mask)) { return std::exchange(self().umask, mask); }

SYSTEM_CALL(int, fchdir, (int fd), (fd)) {
    auto directory = sys().directory_of(self(), fd);
    if (!directory) return -EBADF;
    self().directory = directory;
    return 0;
}

LIBRARY_CALL(char*, mkdtemp, (char* name), (name)) {
    fill_in(name);
    place found = sys().find(self(), -1, name, false);
    if (found.error || !may_change(*found.directory, nullptr)) return errno = EACCES, nullptr;
    sys().files().make(found, S_IFDIR | 0700, self().user);
    return name;
}

LIBRARY_CALL(char*, getcwd, (char* into, size_t size), (into, size)) {
    std::string path = sys().files().path_of(*self().directory);
    if (path.size() >= size) return nullptr;
    return static_cast<char*>(std::memcpy(into, path.c_str(), path.size() + 1));
}

SYSTEM_CALL(int, inotify_init1, (int flags), (flags)) {
    auto made = sys().open_inotify();
    made->flags = flags & IN_NONBLOCK;
    return sys().open_descriptor(self(), std::move(made), flags & IN_CLOEXEC);
}
SYSTEM_CALL(int, inotify_add_watch, (int fd, const char* path, std::uint32_t mask),
            (fd, path, mask)) {
    auto watcher = sys().file_of<inotify_file>(self(), fd);
    if (!watcher) return -EBADF;
    place found = sys().find(self(), -1, path, !(mask & IN_DONT_FOLLOW));
    if (!found.there) return -(found.error ? found.error : ENOENT);
    return watcher->add(found.there, mask);
}
SYSTEM_CALL(int, inotify_rm_watch, (int fd, int watch), (fd, watch)) {
    auto watcher = sys().file_of<inotify_file>(self(), fd);
    return watcher ? watcher->remove(watch) : -EBADF;
}

// ---- Lists of directories ----

namespace {

/// What DIR is here.
struct listing {
    std::vector<std::string> names;
    std::size_t next = 0;
    int fd = -1;
    dirent entry{};
};

DIR* begin_list(std::vector<std::string> names, int fd) {
    return reinterpret_cast<DIR*>(new listing{.names = std::move(names), .fd = fd});
}

} // namespace

LIBRARY_CALL(DIR*, opendir, (const char* path), (path)) {
    std::vector<std::string> names;
    if (std::string_view(path) == "/proc") {
        for (const auto& [pid, ignored] : sys().processes())
            names.push_back(std::to_string(pid));
        return begin_list(std::move(names), -1);
    }
    place found = sys().find(self(), -1, path);
    if (!found.there) return nullptr;
    for (const auto& [name, ignored] : found.there->entries)
        names.push_back(name);
    return begin_list(std::move(names), -1);
}

LIBRARY_CALL(DIR*, fdopendir, (int fd), (fd)) {
    auto open = sys().file_of<tree_file>(self(), fd);
    if (!open) return nullptr;
    std::vector<std::string> names;
    for (const auto& [name, ignored] : open->node()->entries)
        names.push_back(name);
    return begin_list(std::move(names), fd);
}

LIBRARY_CALL(dirent*, readdir, (DIR * from), (from)) {
    auto& list = *reinterpret_cast<listing*>(from);
    if (list.next == list.names.size()) return nullptr;
    const std::string& name = list.names[list.next++];
    list.entry.d_name[name.copy(list.entry.d_name, sizeof list.entry.d_name - 1)] = '\0';
    return &list.entry;
}

LIBRARY_CALL(int, closedir, (DIR * from), (from)) {
    auto* list = reinterpret_cast<listing*>(from);
    if (list->fd >= 0) sys().close_descriptor(self(), list->fd);
    delete list;
    return 0;
}

} // namespace einhyrningsins::world
