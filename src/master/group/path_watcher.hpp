// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "loop/readable.hpp"
#include "os/inotify.hpp"

#include <boost/asio/io_context.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace einhyrningsins::master {

/// Tells whoever wants to know what happens to files and directories. All groups share one instance
/// of inotify(7), which the system has few of, and those who watch the same thing share the watch.
class path_watcher {
  public:
    using handler = std::function<void(const os::inotify::news&)>;

    /// The wish to be told; ends with this.
    class subscription {
      public:
        subscription() = default;
        subscription(subscription&& other) noexcept;
        subscription& operator=(subscription&& other) noexcept;
        ~subscription();

      private:
        friend class path_watcher;
        subscription(path_watcher* owner, std::uint64_t id) : owner_(owner), id_(id) {}
        path_watcher* owner_ = nullptr;
        std::uint64_t id_ = 0;
    };

    explicit path_watcher(boost::asio::io_context& context);
    path_watcher(const path_watcher&) = delete;
    path_watcher& operator=(const path_watcher&) = delete;

    /// Calls `hear` with each of the news about `path` that are `wanted`, and when nothing more
    /// will be told or some news were lost. A link at the end of `path` is not followed. Must
    /// outlive what it returns.
    os::result<subscription> watch(const std::string& path, os::change wanted, handler hear);

  private:
    struct listener {
        int watch;
        os::change wanted;
        handler hear;
    };

    os::result<void> open();
    void take_news();
    void tell(const os::inotify::news& what);
    void end(std::uint64_t id);

    std::optional<os::inotify> inotify_; ///< opened when it is needed first
    loop::readable news_;
    std::map<std::uint64_t, listener> listeners_;
    std::multimap<int, std::uint64_t> by_watch_;
    std::uint64_t last_id_ = 0;
};

} // namespace einhyrningsins::master
