// SPDX-License-Identifier: GPL-3.0-or-later
#include "support.hpp"

#include <boost/test/unit_test.hpp>

#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <new>
#include <vector>

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

thread_local bool is_memory_refused = false;

void* allocate(std::size_t size) {
    while (!is_memory_refused) {
        if (void* block = std::malloc(size)) return block;
        if (std::new_handler handler = std::get_new_handler())
            handler();
        else
            break;
    }
    throw std::bad_alloc();
}

} // namespace

// The sanitizers have others of their own, which do not call these.
void* operator new(std::size_t size) { return allocate(size); }
void* operator new[](std::size_t size) { return allocate(size); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    return is_memory_refused ? nullptr : std::malloc(size);
}
void* operator new[](std::size_t size, const std::nothrow_t& none) noexcept {
    return operator new(size, none);
}
void operator delete(void* block) noexcept { std::free(block); }
void operator delete[](void* block) noexcept { std::free(block); }
void operator delete[](void* block, std::size_t) noexcept { std::free(block); }
void operator delete(void* block, const std::nothrow_t&) noexcept { std::free(block); }
void operator delete[](void* block, const std::nothrow_t&) noexcept { std::free(block); }
void operator delete(void* block, std::size_t) noexcept { std::free(block); }

namespace os_test {

no_memory::no_memory() { is_memory_refused = true; }
no_memory::~no_memory() { is_memory_refused = false; }

bool has_one_thread() {
    namespace fs = std::filesystem;
    return std::distance(fs::directory_iterator("/proc/self/task"), fs::directory_iterator()) == 1;
}

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
    int code = 125;
    try {
        code = work();
    } catch (...) { // this process must not go on with the tests
    }
    ::_exit(code);
}

int first_failure(std::initializer_list<bool> checks) {
    int number = 0;
    for (bool holds : checks) {
        ++number;
        if (!holds) return number;
    }
    return 0;
}

void refuse(std::initializer_list<long> calls, int error) {
    std::vector<sock_filter> program{
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};
    for (long call : calls) {
        program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(call), 0, 1));
        program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | unsigned(error)));
    }
    program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0)
        ::_exit(97);
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
    std::fwrite(text.data(), 1, text.size(), file);
    std::fclose(file);
    ::chmod(path.c_str(), mode);
}

std::string target_of(int fd) {
    char target[256];
    std::string path = "/proc/self/fd/" + std::to_string(fd);
    ssize_t size = ::readlink(path.c_str(), target, sizeof target);
    return size < 0 ? "" : std::string(target, static_cast<std::size_t>(size));
}

locked_file::locked_file(const std::string& path)
    : path_(path),
      fd_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
    flock whole{};
    whole.l_type = F_WRLCK;
    BOOST_REQUIRE(::fcntl(fd_, F_SETLK, &whole) == 0);
}

locked_file::~locked_file() { ::close(fd_); }

bool locked_file::is_locked() const {
    return in_child([&] {
               flock other{};
               other.l_type = F_WRLCK;
               int fd = ::open(path_.c_str(), O_RDWR | O_CLOEXEC);
               return ::fcntl(fd, F_GETLK, &other) == 0 && other.l_type == F_UNLCK;
           }) == 0;
}

bool is_readable(int fd) {
    pollfd wanted{fd, POLLIN, 0};
    return ::poll(&wanted, 1, 0) == 1 && (wanted.revents & POLLIN);
}

bool is_root() { return ::geteuid() == 0; }

boost::test_tools::assertion_result needs_root(boost::unit_test::test_unit_id) {
    boost::test_tools::assertion_result answer(is_root());
    answer.message() << "needs root";
    return answer;
}

std::string report_program() {
    const auto& suite = boost::unit_test::framework::master_test_suite();
    BOOST_REQUIRE_MESSAGE(suite.argc > 1, "usage: os_test -- PATH_OF_REPORT");
    return std::filesystem::absolute(suite.argv[1]).string();
}

} // namespace os_test
