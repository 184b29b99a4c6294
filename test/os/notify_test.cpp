// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/low_numbers.hpp"
#include "os/notify.hpp"
#include "os/own_process.hpp"
#include "support.hpp"

#include <boost/test/unit_test.hpp>

#include <cstring>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

using namespace einhyrningsins::os;
using namespace os_test;

namespace {

/// sd_notify(3), with descriptors.
bool send(const std::string& address, const std::string& text, std::vector<int> fds = {}) {
    unique_fd client(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_un where{};
    where.sun_family = AF_UNIX;
    std::memcpy(where.sun_path + 1, address.data() + 1, address.size() - 1);
    iovec part{const_cast<char*>(text.data()), text.size()};
    alignas(cmsghdr) char control[CMSG_SPACE(16 * sizeof(int))]{};
    msghdr message{};
    message.msg_name = &where;
    message.msg_namelen = static_cast<socklen_t>(sizeof(sa_family_t) + address.size());
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (!fds.empty()) {
        message.msg_control = control;
        message.msg_controllen = CMSG_SPACE(fds.size() * sizeof(int));
        cmsghdr* header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
        std::memcpy(CMSG_DATA(header), fds.data(), fds.size() * sizeof(int));
    }
    return ::sendmsg(client.get(), &message, 0) == static_cast<ssize_t>(text.size());
}

struct fixture {
    notify_socket socket;

    fixture() { BOOST_REQUIRE(socket.open()); }

    std::vector<pid_t> receive() const {
        std::vector<pid_t> senders;
        socket.receive([&](const notify_socket::sender& sender) {
            BOOST_TEST(sender.user == ::geteuid());
            return senders.push_back(sender.pid), true;
        });
        return senders;
    }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(notify, fixture)

BOOST_AUTO_TEST_CASE(the_address_can_be_put_into_a_variable) {
    const std::string& address = socket.address();
    BOOST_TEST(address.size() == 6U);
    BOOST_TEST(address[0] == '@');
    BOOST_TEST(address.find_first_not_of("0123456789abcdef", 1) == std::string::npos);
    BOOST_TEST((::fcntl(socket.fd(), F_GETFD) & FD_CLOEXEC));
}

/// As after its descriptor was lost: workers know the address.
BOOST_AUTO_TEST_CASE(a_socket_is_opened_again_at_its_address) {
    std::string address;
    {
        notify_socket lost;
        BOOST_REQUIRE(lost.open());
        address = lost.address();
        BOOST_TEST(!notify_socket({}, address).open());
    }
    notify_socket again({}, address);
    BOOST_REQUIRE(again.open());
    BOOST_TEST(again.address() == address);
    BOOST_TEST(send(address, "READY=1"));
    unsigned ready = 0;
    again.receive([&](const auto&) { return ++ready > 0; });
    BOOST_TEST(ready == 1U);
}

BOOST_AUTO_TEST_CASE(the_kernel_tells_who_is_ready) {
    pid_t sender = 0;
    int pipe[2];
    BOOST_REQUIRE(::pipe2(pipe, O_CLOEXEC) == 0);
    BOOST_TEST(in_child([&] {
                   pid_t own = ::getpid();
                   bool told = ::write(pipe[1], &own, sizeof own) == sizeof own;
                   return first_failure({told, send(socket.address(), "READY=1")});
               }) == 0);
    BOOST_TEST(::read(pipe[0], &sender, sizeof sender) == ssize_t(sizeof sender));
    BOOST_TEST(receive() == std::vector<pid_t>{sender}, boost::test_tools::per_element());
    BOOST_TEST(receive().empty());
    ::close(pipe[0]);
    ::close(pipe[1]);
}

BOOST_AUTO_TEST_CASE(ready_is_a_line_of_its_own) {
    for (const char* text : {"READY=1", "READY=1\n", "STATUS=up\nREADY=1\nMAINPID=1"}) {
        BOOST_TEST(send(socket.address(), text));
        BOOST_TEST(receive().size() == 1U, text);
    }
    for (const char* text :
         {"", "\n\n", "READY=0", "READY=10", "NOT READY=1", "READY=1 ", "rubbish"}) {
        BOOST_TEST(send(socket.address(), text));
        BOOST_TEST(receive().empty(), text);
    }
    BOOST_TEST(send(socket.address(), std::string(100000, 'x')));
    BOOST_TEST(receive().empty());
}

BOOST_AUTO_TEST_CASE(several_are_read_at_once) {
    for (int i = 0; i < 5; ++i)
        BOOST_TEST(send(socket.address(), "READY=1"));
    BOOST_TEST(receive().size() == 5U);
}

/// What closing a descriptor does may wait for whoever has sent it, or be of consequence for us.
BOOST_AUTO_TEST_CASE(descriptors_that_come_along_are_not_installed) {
    scratch directory;
    locked_file mine(directory / "locked");
    BOOST_TEST(in_child([&] {
                   int file = ::open((directory / "locked").c_str(), O_RDWR | O_CLOEXEC);
                   return first_failure({send(socket.address(), "READY=1", {file}),
                                         send(socket.address(), "READY=1", {file, file, file})});
               }) == 0);
    std::size_t free = free_descriptors();
    unsigned told = 0;
    socket.receive([&](const auto&) {
        BOOST_TEST(free_descriptors() == free);
        return ++told > 0;
    });
    BOOST_TEST(told == 2U);
    BOOST_TEST(mine.is_locked());
}

BOOST_AUTO_TEST_CASE(descriptors_that_come_along_are_dropped) {
    int pipe[2];
    BOOST_REQUIRE(::pipe2(pipe, O_CLOEXEC | O_NONBLOCK) == 0);
    BOOST_TEST(send(socket.address(), "BARRIER=1", {pipe[1], pipe[1], pipe[1]}));
    ::close(pipe[1]);
    char byte;
    BOOST_TEST(::read(pipe[0], &byte, 1) == -1); // somebody still has the other end
    BOOST_TEST(receive().empty());
    BOOST_TEST(::read(pipe[0], &byte, 1) == 0);
    ::close(pipe[0]);
}

BOOST_AUTO_TEST_CASE(a_barrier_is_let_go_after_what_was_sent_before_it_was_told) {
    int pipe[2];
    BOOST_REQUIRE(::pipe2(pipe, O_CLOEXEC | O_NONBLOCK) == 0);
    BOOST_TEST(send(socket.address(), "READY=1"));
    BOOST_TEST(send(socket.address(), "BARRIER=1", {pipe[1]}));
    ::close(pipe[1]);
    bool was_held = false;
    char byte;
    socket.receive([&](const auto&) { return was_held = ::read(pipe[0], &byte, 1) == -1; });
    BOOST_TEST(was_held);
    BOOST_TEST(::read(pipe[0], &byte, 1) == 0);
    ::close(pipe[0]);
}

BOOST_AUTO_TEST_CASE(the_rest_can_be_left_to_the_next_call) {
    for (int i = 0; i < 5; ++i)
        BOOST_TEST(send(socket.address(), "READY=1"));
    int told = 0;
    socket.receive([&](const auto&) { return ++told < 2; });
    BOOST_TEST(told == 2);
    BOOST_TEST(receive().size() == 3U);
}

BOOST_AUTO_TEST_SUITE_END()
