// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "world/kernel/file.hpp"

#include <map>
#include <span>

#include <sys/epoll.h>

namespace einhyrningsins::world {

/// See epoll(7). A registration ends when the last descriptor of its file is closed, and is known
/// by the number of the descriptor together with the file.
class epoll_file : public file {
  public:
    const char* kind() const override { return "epoll"; }
    unsigned events() const override;
    std::uint64_t edges(unsigned wanted) const override;

    /// Returns 0 or a negative errno.
    int add(int fd, const file_ptr& watched, const epoll_event& wanted);
    int change(int fd, const file_ptr& watched, const epoll_event& wanted);
    int remove(int fd, const file_ptr& watched);
    /// What is ready now; edge-triggered news is told once.
    int collect(std::span<epoll_event> into);
    bool has_news() const;

  private:
    struct registration {
        std::weak_ptr<file> watched;
        epoll_event wanted{};
        std::uint64_t told = 0; ///< the edges that were told
        bool is_armed = true;   ///< it was added or changed since
    };
    using key = std::pair<int, const file*>;

    static unsigned ready(const registration& one);

    std::map<key, registration> all_;
    mutable std::size_t first_ = 0; ///< whom the next collect() begins with: nobody starves
};

} // namespace einhyrningsins::world
