// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "loop/alarm.hpp"
#include "os/unix_socket.hpp"

#include <boost/asio/io_context.hpp>

#include <list>
#include <memory>
#include <vector>

namespace einhyrningsins::master {

/// The files of all unix sockets of the master: of listeners and control sockets. A file is removed
/// with the last socket that has it, unless another one is at its path by then. Several may have
/// the same one, in several groups, as when a group is renamed while its workers still drain. What
/// cannot be removed for want of descriptors or memory is tried again every second, and at the end.
class socket_files {
  public:
    explicit socket_files(boost::asio::io_context& context);
    ~socket_files() { remove_unused(); }
    socket_files(const socket_files&) = delete;
    socket_files& operator=(const socket_files&) = delete;

    /// The last copy of what is returned removes the file.
    std::shared_ptr<const os::socket_file> share(const os::socket_file& file);

    /// What is still to be removed, for the next master.
    std::vector<os::socket_file> unused() const;
    void take_over(const std::vector<os::socket_file>& unused);

  private:
    struct entry {
        os::socket_file file;
        std::weak_ptr<const os::socket_file> users;
    };

    void remove_unused() noexcept;

    std::list<entry> all_;
    loop::alarm again_;
};

} // namespace einhyrningsins::master
