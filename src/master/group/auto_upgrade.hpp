// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/report.hpp"
#include "handoff/state.hpp"
#include "master/group/path_watcher.hpp"
#include "os/path_trace.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace einhyrningsins::master {

/// Notices that the program of a group has changed (SPEC 6, auto_upgrade): that its file was
/// replaced or rewritten, or that a directory or symbolic link in its path leads elsewhere. While
/// changes go on, it waits until nothing has happened for half a second.
class auto_upgrade {
  public:
    struct owner {
        std::function<void()> changed; ///< another version is there, and complete
        std::function<void(core::severity, const std::string&)> log;
    };

    auto_upgrade(boost::asio::io_context& context, path_watcher& paths, owner who);
    auto_upgrade(boost::asio::io_context& context, path_watcher& paths,
                 const handoff::followed_program& from, owner who);
    auto_upgrade(const auto_upgrade&) = delete;
    auto_upgrade& operator=(const auto_upgrade&) = delete;

    handoff::followed_program hand_over() const;

    /// From now on the program is the one at `path`, which is absolute, as it is now.
    void follow(const std::string& path);

  private:
    void arm();
    void subscribe();
    void watch(const std::string& path, os::change wanted);
    void hear(const os::inotify::news& what);
    void wait();
    void look();

    path_watcher& paths_;
    owner owner_;
    std::string path_;
    std::optional<os::file_version> version_; ///< that the workers run, or are about to
    os::path_trace trace_;
    std::vector<path_watcher::subscription> watches_;
    bool changing_ = false; ///< somebody has written to the file and not closed it yet
    bool complained_ = false;
    boost::asio::steady_timer timer_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true); ///< for handlers that outlive this
};

} // namespace einhyrningsins::master
