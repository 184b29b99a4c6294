// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "world/kernel/file.hpp"

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include <sys/socket.h>

namespace einhyrningsins::world {

/// Who has made or connected a socket, see SO_PEERCRED.
struct credentials {
    pid_t pid = 0;
    uid_t user = 0;
    gid_t group = 0;
    std::uint64_t process = 0; ///< which is never reused, unlike the pid
};

/// A socket of any family: unbound, bound, listening or connected.
class socket : public file {
  public:
    socket(int domain, int type) : domain_(domain), type_(type) {}
    ~socket() override;

    const char* kind() const override { return "socket"; }
    std::string detail() const override;
    ssize_t read(std::span<char> into) override;
    ssize_t write(std::string_view text) override;
    unsigned events() const override;
    std::uint64_t edges(unsigned wanted) const override;
    struct stat status() const override;

    int domain() const { return domain_; }
    int type() const { return type_; }
    bool is_listening() const { return listening_; }
    void listen(int backlog, const credentials& who);

    /// Two connected sockets.
    static void join(const std::shared_ptr<socket>& a, const std::shared_ptr<socket>& b);
    /// Connects to a listening socket. Returns 0 or a negative errno.
    static int connect(const std::shared_ptr<socket>& from, socket& to, const credentials& who);
    /// Null: nobody has connected.
    std::shared_ptr<socket> accept();

    struct datagram {
        std::string text;
        credentials from;
    };
    /// Returns 0 or a negative errno.
    int deliver(datagram one);
    std::optional<datagram> take_datagram();

    std::string name;   ///< the address as the system call has it; empty: not bound
    credentials peer{}; ///< of the other end
    bool passes_credentials = false;
    bool reuses_port = false;
    std::size_t room = 208 * 1024; ///< of each direction

  private:
    int domain_, type_;
    bool listening_ = false;
    std::size_t backlog_ = 0;
    credentials owner_{};
    std::deque<std::shared_ptr<socket>> waiting_; ///< the ends of ours of those to be accepted
    std::deque<datagram> datagrams_;
    std::shared_ptr<channel> in_, out_; ///< null: not connected
    std::uint64_t arrivals_ = 0;
};

} // namespace einhyrningsins::world
