// SPDX-License-Identifier: GPL-3.0-or-later
//
// Paths of a process: its working directory, descriptors of directories, and /proc.
#include "world/kernel/kernel.hpp"

#include <charconv>

#include <fcntl.h>
#include <sys/inotify.h>

namespace einhyrningsins::world {
namespace {

/// The content of a file of /proc.
std::string describe(const process& who, std::string_view name) {
    std::string pid = std::to_string(who.pid);
    if (name == "stat")
        return pid + " (program) " + (who.is_zombie ? "Z " : "S ") + std::to_string(who.parent) +
               " " + std::to_string(who.group) + " 0 0 0 0\n";
    if (name == "status")
        return "Name:\tprogram\nUid:\t" + std::to_string(who.user) + "\t" +
               std::to_string(who.user) + "\n";
    return "1000 500 100 10 0 200 0\n"; // statm
}

bool is_permitted(const process& who, const inode& node, int flags) {
    if (who.user == 0) return true;
    int shift = who.user == node.user ? 6 : who.user_group == node.group ? 3 : 0;
    unsigned rights = node.mode >> shift;
    int access = flags & O_ACCMODE;
    bool reads = access != O_WRONLY, writes = access != O_RDONLY;
    return (!reads || (rights & 4)) && (!writes || (rights & 2));
}

bool may_change(const process& who, const inode& directory) {
    return is_permitted(who, directory, O_WRONLY);
}

} // namespace

/// Takes "/proc/self/" or "/proc/PID/" off a path. Returns whose it is, or null.
const process* kernel::named_in_proc(const process& in, std::string_view& path) const {
    constexpr std::string_view proc = "/proc/";
    if (!path.starts_with(proc)) return nullptr;
    std::string_view rest = path.substr(proc.size());
    std::string_view who = rest.substr(0, rest.find('/'));
    pid_t pid = in.pid;
    if (who != "self") {
        auto [end, error] = std::from_chars(who.data(), who.data() + who.size(), pid);
        if (error != std::errc()) return nullptr;
    }
    auto found = find(pid);
    if (!found) return nullptr;
    path = rest.substr(std::min(rest.size(), who.size() + 1));
    return found.get();
}

inode_ptr kernel::directory_of(const process& in, int directory) const {
    if (directory < 0) return in.directory; // AT_FDCWD, or none
    auto open = file_of<tree_file>(in, directory);
    return open ? open->node() : nullptr;
}

place kernel::find(const process& in, int directory, std::string_view path, bool follow) const {
    std::string_view rest = path;
    if (const process* who = named_in_proc(in, rest)) {
        if (rest == "exe") return files_.find(files_.root(), who->path);
        if (rest == "fd") return {.there = files_.root()};
        if (!rest.starts_with("fd/")) return {.error = ENOENT};
        int fd = -1;
        rest.remove_prefix(3);
        auto end = std::from_chars(rest.data(), rest.data() + rest.size(), fd).ptr;
        rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
        auto open = file_of<tree_file>(*who, fd);
        if (open && rest.starts_with('/')) return files_.find(open->node(), rest.substr(1), follow);
        return {.there = open ? open->node() : nullptr};
    }
    auto from = directory_of(in, directory);
    if (!from) return {.error = EBADF};
    return files_.find(from, path, follow);
}

/// What /proc has instead of files.
file_ptr kernel::open_of_process(process& in, std::string_view path, int flags) const {
    std::string_view rest = path;
    const process* who = named_in_proc(in, rest);
    if (!who) return nullptr;
    if (rest == "stat" || rest == "status" || rest == "statm") {
        auto node = std::make_shared<inode>();
        node->mode = S_IFREG | 0444;
        node->text = describe(*who, rest);
        return std::make_shared<tree_file>(std::move(node), std::string(path));
    }
    if (!rest.starts_with("fd/") || (flags & O_PATH)) return nullptr;
    int fd = -1;
    std::from_chars(rest.data() + 3, rest.data() + rest.size(), fd);
    file_ptr open = file_of(*who, fd);
    if (dynamic_cast<null_file*>(open.get())) return std::make_shared<null_file>();
    if (auto* end = dynamic_cast<pipe_end*>(open.get())) return end->open_again();
    return nullptr;
}

std::pair<file_ptr, int> kernel::open(process& in, int directory, std::string_view path, int flags,
                                      mode_t mode) {
    if (path == "/dev/null") return {std::make_shared<null_file>(), 0};
    if (auto special = open_of_process(in, path, flags)) return {std::move(special), 0};
    bool follow = !(flags & O_NOFOLLOW) && !((flags & O_CREAT) && (flags & O_EXCL));
    place found = find(in, directory, path, follow);
    if (found.error) return {nullptr, -found.error};
    if (!found.there && !(flags & O_CREAT)) return {nullptr, -ENOENT};
    if (found.there && (flags & O_CREAT) && (flags & O_EXCL)) return {nullptr, -EEXIST};
    if (!found.there) {
        if (!may_change(in, *found.directory)) return {nullptr, -EACCES};
        found.there = files_.make(found, S_IFREG | (mode & ~in.umask), in.user);
        found.there->changed_at = wall();
        notice(*found.directory, IN_CREATE, found.name);
    }
    const inode& node = *found.there;
    if (node.is_link() && !(flags & O_PATH)) return {nullptr, -ELOOP};
    if ((flags & O_DIRECTORY) && !node.is_directory()) return {nullptr, -ENOTDIR};
    if (!(flags & O_PATH)) {
        if (S_ISSOCK(node.mode)) return {nullptr, -ENXIO};
        if (node.is_directory() && (flags & O_ACCMODE) != O_RDONLY) return {nullptr, -EISDIR};
        if (!is_permitted(in, node, flags)) return {nullptr, -EACCES};
    }
    if (flags & O_TRUNC) found.there->text.clear();
    return {std::make_shared<tree_file>(found.there, std::string(path)), 0};
}

std::shared_ptr<inotify_file> kernel::open_inotify() {
    auto made = std::make_shared<inotify_file>();
    std::erase_if(watchers_, [](const auto& one) { return one.expired(); });
    watchers_.push_back(made);
    return made;
}

void kernel::notice(const inode& changed, std::uint32_t what, const std::string& name) {
    for (const auto& one : watchers_)
        if (auto watcher = one.lock()) watcher->notice(changed, what, name);
}

std::shared_ptr<socket> kernel::listener_at(std::string_view path) const {
    inode_ptr there = files_.at(path);
    return there ? std::dynamic_pointer_cast<socket>(there->bound.lock()) : nullptr;
}

} // namespace einhyrningsins::world
