// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "master/group/path_watcher.hpp"
#include "os/touch_directory.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace einhyrningsins::master {

/// The files that the workers of a group touch as signs of life (SPEC 6, live_check_timeout).
class live_check {
  public:
    /// Called with the index of a worker whose file was touched, written, removed or replaced.
    using handler = std::function<void(unsigned)>;

    /// The files are in a directory of their own below `parent`.
    static os::result<std::unique_ptr<live_check>>
    begin(path_watcher& paths, const std::string& parent, handler touched);
    /// Goes on with the files of another master, in `directory`.
    static os::result<std::unique_ptr<live_check>>
    take_over(path_watcher& paths, const std::string& directory, handler touched);

    live_check(const live_check&) = delete;
    live_check& operator=(const live_check&) = delete;

    const std::string& directory() const { return files_.path(); }
    /// For os::spawn_recipe::indexed_entry: what a worker finds its file by.
    std::string entry(const std::string& variable_prefix) const;
    /// Makes the file of the worker that is about to be started with that index.
    os::result<void> prepare(unsigned index, const std::optional<os::identity>& who);

  private:
    live_check(path_watcher& paths, os::touch_directory files, handler touched);
    os::result<void> watch();
    void hear(const os::inotify::news& what) const;

    path_watcher& paths_;
    os::touch_directory files_;
    handler touched_;
    path_watcher::subscription watch_;
};

} // namespace einhyrningsins::master
