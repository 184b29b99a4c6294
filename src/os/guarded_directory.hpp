// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "os/directory_trust.hpp"
#include "os/os_error.hpp"
#include "os/unique_fd.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/stat.h>

namespace einhyrningsins::os {

/// The directory of a file. It is reached without following any symbolic link that another user
/// could have created, and is kept open, so that later changes of its path do not matter.
///
/// A directory is foreign if anybody but root and us can create files in it or replace it by
/// another one: it is open to others, or it is below a foreign directory in which it is not
/// protected (see directory_trust.hpp).
///
/// Links in foreign directories are not followed, and files in them that belong neither to our user
/// nor to the owner of the directory are not touched.
class guarded_directory {
  public:
    /// Opens the directory of `path`. The file itself need not exist and is not examined. The error
    /// names `path`, and for a link that was refused also who could have created it.
    static result<guarded_directory> of(const std::string& path);

    /// The last component of the path.
    const std::string& base() const { return base_; }
    bool is_foreign() const { return foreign_; }
    /// Whether others can replace it, or a directory above it, by another one.
    bool is_exchangeable() const { return exchangeable_; }
    /// Who else can create files in it, for messages: "uid 1000", "group 4", "everybody".
    std::string stranger() const;

    /// Whether there is an entry of that name.
    bool has(const std::string& name) const;
    /// The properties of an entry, of a link itself; nothing: there is none.
    std::optional<struct stat> status_of(const std::string& name) const;
    /// Whether `name` is this file.
    bool holds(const std::string& name, const struct stat& file) const;
    /// openat(2) with O_NOFOLLOW and O_CLOEXEC. On failure the result is empty and errno is set.
    unique_fd open(const std::string& name, int flags, mode_t mode) const;
    /// Checks whether a file with these properties may be written, renamed or removed here.
    result<void> check_owner(const std::string& name, const struct stat& file) const;
    /// rename(2), which replaces `to`, after check_owner().
    result<void> rename(const std::string& from, const std::string& to) const;
    /// unlink(2), after check_owner().
    result<void> remove(const std::string& name) const;
    /// unlink(2) of base() if it is this file, whoever owns it. Success: it is not there any more.
    result<void> remove_file(const struct stat& file) const;
    /// The names that begin with `prefix`, in no order.
    result<std::vector<std::string>> names_beginning(std::string_view prefix) const;
    /// The path of an entry, for messages.
    std::string path_of(const std::string& name) const { return folder_ + name; }
    /// A path of base() that leads through this directory while this object exists, for system
    /// calls that take no directory; the path itself if nobody can exchange the directory.
    std::string held_path() const;

  private:
    guarded_directory(unique_fd fd, const directory_facts& facts, bool foreign, bool exchangeable)
        : fd_(std::move(fd)),
          facts_(facts),
          foreign_(foreign),
          exchangeable_(exchangeable) {}

    result<void> check_name(const std::string& name) const;

    unique_fd fd_;
    directory_facts facts_;
    bool foreign_, exchangeable_;
    std::string folder_, base_; ///< the path, split after its last slash

    friend class guarded_walk;
};

} // namespace einhyrningsins::os
