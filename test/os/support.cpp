// SPDX-License-Identifier: GPL-3.0-or-later
#include "support.hpp"

#include <boost/test/unit_test.hpp>

#include <csignal>
#include <cstdio>
#include <filesystem>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace os_test {

scratch::scratch() : path_((std::filesystem::temp_directory_path() / "os_test.XXXXXX").string()) {
    BOOST_REQUIRE(::mkdtemp(path_.data()));
}

scratch::~scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

int in_child(const std::function<int()>& work) {
    pid_t pid = ::fork();
    BOOST_REQUIRE(pid >= 0);
    if (pid > 0) return exit_code_of(pid);
    sigset_t alarm;
    sigemptyset(&alarm);
    sigaddset(&alarm, SIGALRM);
    sigprocmask(SIG_UNBLOCK, &alarm, nullptr);
    std::signal(SIGALRM, SIG_DFL);
    ::alarm(20);
    ::_exit(work());
}

int first_failure(std::initializer_list<bool> checks) {
    int number = 0;
    for (bool holds : checks) {
        ++number;
        if (!holds) return number;
    }
    return 0;
}

int exit_code_of(pid_t pid) {
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool exists(const std::string& path) {
    struct stat ignored {};
    return ::lstat(path.c_str(), &ignored) == 0;
}

std::string contents(const std::string& path) {
    std::string text;
    FILE* file = std::fopen(path.c_str(), "re");
    if (!file) return text;
    for (int c; (c = std::fgetc(file)) != EOF;)
        text += static_cast<char>(c);
    std::fclose(file);
    return text;
}

void write_file(const std::string& path, const std::string& text, mode_t mode) {
    FILE* file = std::fopen(path.c_str(), "we");
    BOOST_REQUIRE(file);
    std::fputs(text.c_str(), file);
    std::fclose(file);
    ::chmod(path.c_str(), mode);
}

std::string target_of(int fd) {
    char target[256];
    std::string path = "/proc/self/fd/" + std::to_string(fd);
    ssize_t size = ::readlink(path.c_str(), target, sizeof target);
    return size < 0 ? "" : std::string(target, static_cast<std::size_t>(size));
}

bool is_readable(int fd) {
    pollfd wanted{fd, POLLIN, 0};
    return ::poll(&wanted, 1, 0) == 1 && (wanted.revents & POLLIN);
}

bool is_root() { return ::geteuid() == 0; }

std::string report_program() {
    const auto& suite = boost::unit_test::framework::master_test_suite();
    BOOST_REQUIRE_MESSAGE(suite.argc > 1, "usage: os_test -- PATH_OF_REPORT");
    return std::filesystem::absolute(suite.argv[1]).string();
}

} // namespace os_test
