// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "world/kernel/file.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include <sys/types.h>

namespace einhyrningsins::world {

struct process;

/// When the machine was booted, as the clock of the wall has it: 2026-01-01.
constexpr instant boot = std::chrono::seconds(1'767'225'600);

/// A file, directory, link or socket of the simulated file system.
struct inode {
    ino_t number = 0;
    mode_t mode = 0;
    uid_t user = 0;
    gid_t group = 0;
    unsigned links = 1;
    instant changed_at = boot; ///< by the clock of the wall
    std::string text;          ///< of a file; where a link leads to
    std::map<std::string, std::shared_ptr<inode>> entries;
    std::weak_ptr<inode> parent;
    std::weak_ptr<file> bound;     ///< the socket that is bound there
    std::weak_ptr<file> locked_by; ///< see flock(2)
    /// What the program does in a process that executes it; nothing: it is not a program.
    std::function<void(process&)> program;

    bool is_directory() const { return S_ISDIR(mode); }
    bool is_link() const { return S_ISLNK(mode); }
    struct stat status() const;
};
using inode_ptr = std::shared_ptr<inode>;

/// Where a path leads.
struct place {
    inode_ptr directory;
    std::string name; ///< in that directory
    inode_ptr there;  ///< null: there is nothing
    int error = 0;    ///< why the path cannot be followed, or 0
};

/// The file system.
class tree {
  public:
    tree();

    inode_ptr root() const { return root_; }
    /// Follows a path. `follow`: also a link at its end.
    place find(const inode_ptr& from, std::string_view path, bool follow = true) const;
    /// Returns null if there is nothing.
    inode_ptr at(std::string_view path) const { return find(root_, path).there; }
    /// Makes what is missing on the way, and returns the file, directory or link at the end.
    inode_ptr make(std::string_view path, mode_t mode, uid_t user = 0, std::string text = {});
    inode_ptr make(const place& where, mode_t mode, uid_t user, std::string text = {});
    /// The absolute path of a directory.
    std::string path_of(const inode& directory) const;

  private:
    inode_ptr root_;
    ino_t last_ = 1;
};

/// An open regular file, directory, or whatever was opened with O_PATH.
class tree_file : public file {
  public:
    tree_file(inode_ptr node, std::string path) : node_(std::move(node)), path_(std::move(path)) {}

    const char* kind() const override { return node_->is_directory() ? "directory" : "file"; }
    std::string detail() const override { return " " + path_; }
    ssize_t read(std::span<char> into) override;
    ssize_t write(std::string_view text) override;
    unsigned events() const override { return POLLIN | POLLOUT; }
    bool can_be_watched() const override { return false; }
    struct stat status() const override {
        return node_->status();
    }

    ssize_t read_at(std::span<char> into, std::size_t offset) const;
    ssize_t write_at(std::string_view text, std::size_t offset);

    const inode_ptr& node() const { return node_; }
    const std::string& path() const { return path_; }
    std::size_t offset = 0;

  private:
    inode_ptr node_;
    std::string path_;
};

} // namespace einhyrningsins::world
