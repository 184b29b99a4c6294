// SPDX-License-Identifier: GPL-3.0-or-later
#include "config/bind_spec.hpp"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <ostream>
#include <string>
#include <utility>
#include <vector>

namespace einhyrningsins::config {
namespace {

namespace data = boost::unit_test::data;

bind_spec good(const std::string& text) {
    auto spec = parse_bind_spec(text);
    BOOST_REQUIRE_MESSAGE(spec, text << ": " << spec.error().message);
    BOOST_TEST(spec->text == text);
    return *spec;
}

std::string complaint_about(const std::string& text) {
    auto spec = parse_bind_spec(text);
    BOOST_REQUIRE_MESSAGE(!spec, text << " was taken");
    return spec.error().message;
}

template <class Address>
Address address_of(const std::string& text) {
    bind_spec spec = good(text);
    auto* address = std::get_if<Address>(&spec.address);
    BOOST_REQUIRE_MESSAGE(address, text << " is another kind of address");
    return *address;
}

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

struct inet_case {
    const char* text;
    const char* host;
    int port;
    transport kind = transport::stream;
};

std::ostream& operator<<(std::ostream& to, const inet_case& one) { return to << one.text; }

const inet_case inet_cases[] = {
    {"127.0.0.1:8080", "127.0.0.1", 8080},
    {"[::1]:8080", "::1", 8080},
    {"[::]:80", "::", 80},
    {"[::ffff:127.0.0.1]:80", "::ffff:127.0.0.1", 80},
    {"[fe80::1%eth0]:80", "fe80::1%eth0", 80},
    {"localhost:8080", "localhost", 8080},
    {"a-host.example_1.org:65535", "a-host.example_1.org", 65535},
    {":8080", "", 8080},
    {":0", "", 0},
    {"127.0.0.1:0", "127.0.0.1", 0},
    {"tcp::127.0.0.1:80", "127.0.0.1", 80},
    {"tcp:127.0.0.1:80", "127.0.0.1", 80},
    {"TCP::localhost:80", "localhost", 80},
    {"tcp::[::1]:80", "::1", 80},
    {"tcp::80", "", 80},
    {"tcp:::80", "", 80},
    {"udp:127.0.0.1:53", "127.0.0.1", 53, transport::datagram},
    {"udp::127.0.0.1:53", "127.0.0.1", 53, transport::datagram},
    {"udp:[::1]:53", "::1", 53, transport::datagram},
    {"udp::[::1]:53", "::1", 53, transport::datagram},
    {"udp::53", "", 53, transport::datagram},
    {"udp:::53", "", 53, transport::datagram},
    {"Udp:localhost:0", "localhost", 0, transport::datagram},
};

struct wrong_case {
    const char* text;
    const char* reason;
};

std::ostream& operator<<(std::ostream& to, const wrong_case& one) { return to << one.text; }

constexpr const char* brackets = "write an IPv6 address as [::1]:8080";
constexpr const char* no_port = "a port is missing; write HOST:PORT, :PORT, or a path with a '/'";

const wrong_case wrong_cases[] = {
    {"", no_port},
    {"8080", no_port},
    {"127.0.0.1", no_port},
    {"localhost", no_port},
    {"localhost:", no_port},
    {":", no_port},
    {"[::1]", no_port},
    {"[::1]:", no_port},
    {"app.sock", no_port},
    {"@name", no_port},
    {"tcp:80", no_port},
    {"udp:53", no_port},
    {"tcp:", no_port},
    {"udp:localhost", no_port},
    {"127.0.0.1:http", "port 'http' is not a number from 0 to 65535"},
    {"127.0.0.1:65536", "port '65536' is not a number from 0 to 65535"},
    {"127.0.0.1:99999999999999999999", "port '99999999999999999999' is not a number from 0"},
    {"127.0.0.1:-1", "port '-1' is not a number"},
    {"127.0.0.1:+1", "port '+1' is not a number"},
    {"127.0.0.1: 80", "port ' 80' is not a number"},
    {"127.0.0.1:80x", "port '80x' is not a number"},
    {"127.0.0.1:0x50", "port '0x50' is not a number"},
    {"udp::localhost", "port 'localhost' is not a number"},
    {"::1:80", brackets},
    {"::1", brackets},
    {"2001:db8::1:8080", brackets},
    {"[]:80", brackets},
    {"[:80", brackets},
    {"[::1:80", brackets},
    {"[localhost]:80", brackets},
    {"[127.0.0.1]:80", brackets},
    {"[::1]x:80", brackets},
    {"udp:::1:53", brackets},
    {"a b:80", "'a b' is not a host name or an address"},
    {"a/b:80", "'a/b' is not a host name or an address"},
    {"me@host:80", "'me@host' is not a host name or an address"},
    {"::1]:80", brackets},
    {"h\303\266st:80", "'h\303\266st' is not a host name or an address"},
    {"unix:", "a path is missing"},
    {"unix::", "a path is missing"},
    {"unix:@", "a name is missing after '@'"},
    {"/tmp/a\nb", "a path must not contain control characters"},
    {"systemd:", "'systemd:' must be followed by a name from LISTEN_FDNAMES"},
    {"systemd:a:b", "'systemd:' must be followed by a name from LISTEN_FDNAMES"},
    {"systemdx", no_port},
    {"fd:", "'' is not a file descriptor"},
    {"fd:x", "'x' is not a file descriptor"},
    {"fd:-1", "'-1' is not a file descriptor"},
    {"fd:3x", "'3x' is not a file descriptor"},
    {":80,", "an option is missing between or after the commas"},
    {":80,r,,n", "an option is missing between or after the commas"},
    {":80,r,", "an option is missing between or after the commas"},
    {":80,q", "unknown option 'q'; the options are r, n, so_reuseport, backlog=, name="},
    {":80, r", "unknown option ' r'"},
    {":80,so_reuseadr", "unknown option 'so_reuseadr' (did you mean 'so_reuseaddr'?)"},
    {":80,O_NONBLOK", "unknown option 'O_NONBLOK' (did you mean 'o_nonblock'?)"},
    {":80,baklog=5", "unknown option 'baklog=5' (did you mean 'backlog='?)"},
    {":80,backlog", "unknown option 'backlog' (did you mean 'backlog='?)"},
    {":80,r=1", "unknown option 'r=1'"},
    {":80,=", "unknown option '='"},
    {":80,backlog=", "backlog= must be a number, at least 1"},
    {":80,backlog=0", "backlog= must be a number, at least 1"},
    {":80,backlog=2147483648", "backlog= must be a number, at least 1"},
    {":80,backlog=1,backlog=2", "backlog= is given twice"},
    {"udp::53,backlog=5", "backlog= is not valid for udp"},
    {":80,name=", "name= must be a word of at most 255 ASCII characters without ':'"},
    {":80,name=a:b", "name= must be a word"},
    {":80,name=a b", "name= must be a word"},
    {":80,name=\303\266", "name= must be a word"},
    {":80,name=a,name=a", "name= is given twice"},
    {":80,mode=0600", "mode= is only valid for a unix socket with a path"},
    {":80,user=root", "user= is only valid for a unix socket with a path"},
    {":80,group=root", "group= is only valid for a unix socket with a path"},
    {"unix:@a,mode=0600", "mode= is only valid for a unix socket with a path"},
    {"fd:3,mode=0600", "mode= is only valid for a unix socket with a path"},
    {"systemd,user=root", "user= is only valid for a unix socket with a path"},
    {"/a.sock,mode=", "mode= must be octal, like 0660"},
    {"/a.sock,mode=0999", "mode= must be octal, like 0660"},
    {"/a.sock,mode=1000", "mode= must be octal, like 0660"},
    {"/a.sock,mode=rw", "mode= must be octal, like 0660"},
    {"/a.sock,mode=600,mode=600", "mode= is given twice"},
    {"/a.sock,user=", "user= must name a user"},
    {"/a.sock,user=a,user=b", "user= is given twice"},
    {"/a.sock,group=", "group= must name a group"},
    {"/a.sock,group=a,group=b", "group= is given twice"},
};

} // namespace

BOOST_AUTO_TEST_SUITE(config_bind_spec)

BOOST_DATA_TEST_CASE(internet_address, data::make(inet_cases)) {
    auto address = address_of<inet_address>(sample.text);
    BOOST_TEST(address.host == sample.host);
    BOOST_TEST(address.port == sample.port);
    BOOST_TEST((good(sample.text).kind == sample.kind));
}

BOOST_AUTO_TEST_CASE(without_options_all_is_off) {
    bind_spec expected;
    expected.text = "127.0.0.1:8080";
    expected.address = inet_address{"127.0.0.1", 8080};
    BOOST_TEST((good("127.0.0.1:8080") == expected));
}

BOOST_AUTO_TEST_CASE(unix_path) {
    for (const char* text : {"/run/app.sock", "unix:/run/app.sock", "unix::/run/app.sock",
                             "UNIX:/run/app.sock", "Unix::/run/app.sock"})
        BOOST_TEST((address_of<unix_address>(text) == unix_address{"/run/app.sock", false}));
    BOOST_TEST((address_of<unix_address>("./app.sock") == unix_address{"./app.sock", false}));
    BOOST_TEST((address_of<unix_address>("unix:app.sock") == unix_address{"app.sock", false}));
    BOOST_TEST((address_of<unix_address>("/a b:80") == unix_address{"/a b:80", false}));
}

BOOST_AUTO_TEST_CASE(abstract_name) {
    BOOST_TEST((address_of<unix_address>("unix:@name") == unix_address{"name", true}));
    BOOST_TEST((address_of<unix_address>("unix::@Name/x") == unix_address{"Name/x", true}));
}

BOOST_AUTO_TEST_CASE(handed_over) {
    BOOST_TEST((address_of<systemd_socket>("systemd") == systemd_socket{}));
    BOOST_TEST((address_of<systemd_socket>("SystemD") == systemd_socket{}));
    BOOST_TEST((address_of<systemd_socket>("systemd:Web") == systemd_socket{"Web"}));
    BOOST_TEST((address_of<inherited_fd>("fd:0") == inherited_fd{0}));
    BOOST_TEST((address_of<inherited_fd>("FD:17") == inherited_fd{17}));
}

BOOST_AUTO_TEST_CASE(flags_in_any_case) {
    for (const char* text : {":80,r,n", ":80,N,R", ":80,so_reuseaddr,o_nonblock",
                             ":80,SO_REUSEADDR,O_NonBlock", ":80,r,r,n"}) {
        bind_spec spec = good(text);
        BOOST_TEST(spec.reuse_address);
        BOOST_TEST(spec.non_blocking);
        BOOST_TEST(!spec.reuse_port);
    }
    BOOST_TEST(good(":80,r").reuse_address);
    BOOST_TEST(!good(":80,r").non_blocking);
    BOOST_TEST(!good(":80,n").reuse_address);
    BOOST_TEST(good("udp::53,so_reuseport").reuse_port);
}

BOOST_AUTO_TEST_CASE(options_with_values) {
    bind_spec spec =
        good("/run/a.sock,Backlog=77,NAME=Http,mode=0660,user=www-data,Group=33,n,so_reuseport");
    BOOST_TEST(spec.backlog.value() == 77);
    BOOST_TEST(spec.name == "Http");
    BOOST_TEST(spec.mode.value() == 0660u);
    BOOST_TEST(spec.user == "www-data");
    BOOST_TEST(spec.group == "33");
    BOOST_TEST(spec.non_blocking);
    BOOST_TEST(spec.reuse_port);
    BOOST_TEST(!spec.reuse_address);
}

BOOST_AUTO_TEST_CASE(limits_of_values) {
    BOOST_TEST(good(":80,backlog=1").backlog.value() == 1);
    BOOST_TEST(good(":80,backlog=2147483647").backlog.value() == 2147483647);
    BOOST_TEST(good("/a,mode=0").mode.value() == 0u);
    BOOST_TEST(good("/a,mode=777").mode.value() == 0777u);
    BOOST_TEST(good(":80,name=" + std::string(255, 'x')).name.size() == 255u);
    complaint_about(":80,name=" + std::string(256, 'x'));
    BOOST_TEST(good("systemd,backlog=5").backlog.value() == 5);
    BOOST_TEST(good("fd:3,name=a=b").name == "a=b");
}

BOOST_DATA_TEST_CASE(wrong_text, data::make(wrong_cases)) {
    std::string message = complaint_about(sample.text);
    BOOST_TEST(message.find('\n') == std::string::npos);
    BOOST_TEST(message.starts_with("'"));
    BOOST_TEST(contains(message, std::string("': ") + sample.reason), message);
}

BOOST_AUTO_TEST_CASE(the_message_begins_with_the_text) {
    BOOST_TEST(complaint_about("127.0.0.1:99999,r") ==
               "'127.0.0.1:99999,r': port '99999' is not a number from 0 to 65535");
}

BOOST_AUTO_TEST_CASE(rubbish_makes_one_short_line) {
    std::string all_bytes;
    for (int c = 0; c < 256; ++c)
        all_bytes += static_cast<char>(c);
    for (const std::string& text :
         {all_bytes, std::string("a\0b:80", 6), std::string(":80,\nr"), std::string(100'000, ':'),
          std::string(100'000, ','), "/" + std::string(4096, 'x')}) {
        std::string message = complaint_about(text);
        BOOST_TEST(message.find_first_of(std::string("\n\r\0\x1b", 4)) == std::string::npos);
        BOOST_TEST(message.size() < 600u);
    }
    good("/" + std::string(106, 'x'));
    BOOST_TEST(complaint_about("/" + std::string(107, 'x'))
                   .ends_with("the path of a unix socket may have at most 107 bytes"));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace einhyrningsins::config
