// SPDX-License-Identifier: GPL-3.0-or-later
#include "world/kernel/tree.hpp"

#include <deque>
#include <utility>

#include <fcntl.h>

namespace einhyrningsins::world {
namespace {

constexpr int most_links = 40;

void prepend_components(std::deque<std::string>& left, std::string_view path) {
    std::deque<std::string> names;
    for (std::size_t at = 0, end; at < path.size(); at = end + 1) {
        end = std::min(path.find('/', at), path.size());
        if (end > at) names.emplace_back(path.substr(at, end - at));
    }
    left.insert(left.begin(), names.begin(), names.end());
}

inode_ptr entry(const inode_ptr& directory, const std::string& name) {
    if (name == ".") return directory;
    if (name == "..") return directory->parent.lock();
    auto found = directory->entries.find(name);
    return found == directory->entries.end() ? nullptr : found->second;
}

} // namespace

struct stat inode::status() const {
    struct stat facts {};
    facts.st_dev = 1;
    facts.st_ino = number;
    facts.st_mode = mode;
    facts.st_uid = user;
    facts.st_gid = group;
    facts.st_nlink = links;
    facts.st_size = static_cast<off_t>(text.size());
    facts.st_mtim = {changed_at.count() / 1'000'000'000, changed_at.count() % 1'000'000'000};
    facts.st_ctim = facts.st_mtim;
    return facts;
}

tree::tree() : root_(std::make_shared<inode>()) {
    root_->number = last_;
    root_->mode = S_IFDIR | 0755;
    root_->parent = root_;
}

place tree::find(const inode_ptr& from, std::string_view path, bool follow) const {
    if (path.empty()) return {.error = ENOENT};
    place at{.there = path.starts_with('/') ? root_ : from};
    std::deque<std::string> left;
    prepend_components(left, path);
    for (int links = 0; !left.empty();) {
        std::string name = std::move(left.front());
        left.pop_front();
        if (!at.there) return {.error = ENOENT};
        if (!at.there->is_directory()) return {.error = ENOTDIR};
        inode_ptr directory = at.there;
        inode_ptr next = entry(directory, name);
        if (next && next->is_link() && (follow || !left.empty())) {
            if (++links > most_links) return {.error = ELOOP};
            prepend_components(left, next->text);
            at.there = next->text.starts_with('/') ? root_ : directory;
            continue;
        }
        at = {std::move(directory), std::move(name), std::move(next)};
    }
    if (at.there && path.ends_with('/') && !at.there->is_directory()) return {.error = ENOTDIR};
    return at;
}

inode_ptr tree::make(const place& where, mode_t mode, uid_t user, std::string text) {
    auto made = std::make_shared<inode>();
    made->number = ++last_;
    made->mode = mode;
    made->user = made->group = user;
    made->text = std::move(text);
    made->parent = where.directory;
    where.directory->entries[where.name] = made;
    return made;
}

inode_ptr tree::make(std::string_view path, mode_t mode, uid_t user, std::string text) {
    for (std::size_t slash = path.find('/', 1); slash != path.npos;
         slash = path.find('/', slash + 1)) {
        place above = find(root_, path.substr(0, slash));
        if (!above.there) make(above, S_IFDIR | 0755, 0);
    }
    return make(find(root_, path, false), mode, user, std::move(text));
}

std::string tree::path_of(const inode& directory) const {
    std::string path;
    for (const inode* at = &directory; at != root_.get();) {
        auto above = at->parent.lock();
        for (const auto& [name, node] : above->entries)
            if (node.get() == at) path = "/" + name + path;
        at = above.get();
    }
    return path.empty() ? "/" : path;
}

ssize_t tree_file::read_at(std::span<char> into, std::size_t where) const {
    if (node_->is_directory()) return -EISDIR;
    const std::string& text = node_->text;
    if (where >= text.size()) return 0;
    return static_cast<ssize_t>(text.copy(into.data(), into.size(), where));
}

ssize_t tree_file::write_at(std::string_view text, std::size_t where) {
    std::string& all = node_->text;
    if (all.size() < where + text.size()) all.resize(where + text.size());
    all.replace(where, text.size(), text);
    return static_cast<ssize_t>(text.size());
}

ssize_t tree_file::read(std::span<char> into) {
    if ((flags & O_ACCMODE) == O_WRONLY || (flags & O_PATH)) return -EBADF;
    ssize_t size = read_at(into, offset);
    if (size > 0) offset += static_cast<std::size_t>(size);
    return size;
}

ssize_t tree_file::write(std::string_view text) {
    if ((flags & O_ACCMODE) == O_RDONLY || (flags & O_PATH)) return -EBADF;
    if (flags & O_APPEND) offset = node_->text.size();
    ssize_t size = write_at(text, offset);
    offset += static_cast<std::size_t>(size);
    return size;
}

} // namespace einhyrningsins::world
