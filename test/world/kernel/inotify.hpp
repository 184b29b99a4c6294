// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "world/kernel/tree.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <string>

namespace einhyrningsins::world {

/// See inotify(7).
class inotify_file : public file {
  public:
    const char* kind() const override { return "inotify"; }
    ssize_t read(std::span<char> into) override;
    unsigned events() const override { return news_.empty() ? 0 : POLLIN; }
    std::uint64_t edges(unsigned) const override { return arrivals_; }

    int add(const inode_ptr& node, std::uint32_t mask);
    int remove(int watch);
    /// To be told of every change of any file. `name`: of what has changed in the directory.
    void notice(const inode& changed, std::uint32_t what, const std::string& name);

  private:
    struct watched {
        inode_ptr node;
        std::uint32_t mask = 0;
    };
    struct event {
        int watch;
        std::uint32_t what;
        std::string name;
    };

    void tell(event one);

    std::map<int, watched> watches_;
    int last_ = 0;
    std::deque<event> news_;
    std::uint64_t arrivals_ = 0;
};

} // namespace einhyrningsins::world
