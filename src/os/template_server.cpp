// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/template_server.hpp"

#include "config/number.hpp"
#include "os/own_process.hpp"
#include "os/process.hpp"
#include "os/template_process.hpp"
#include "os/unique_fd.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <dlfcn.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace einhyrningsins::os {
namespace {

using entry_point = int (*)(int, char**);

constexpr const char* entry_name = "einhorn_main";

/// The command line.
struct template_wishes {
    int control = -1;
    bool socket_as_fd = false;
    bool die_with_parent = false;
    std::string indexed_variable; ///< empty: none
    std::string object;
    std::vector<std::string> arguments; ///< of workers
};

std::optional<template_wishes> parse(int argc, char** argv) {
    constexpr int fewest = 6;
    if (argc < fewest || argv[3][0] != '-') return std::nullopt;
    auto control = config::parse_number(argv[2], 3, INT_MAX);
    int type = 0;
    socklen_t size = sizeof type;
    if (!control ||
        ::getsockopt(static_cast<int>(*control), SOL_SOCKET, SO_TYPE, &type, &size) != 0 ||
        type != SOCK_SEQPACKET)
        return std::nullopt;
    std::string_view text = argv[3];
    std::string_view flags = text.substr(0, text.find(':'));
    text.remove_prefix(std::min(flags.size() + 1, text.size()));
    return template_wishes{.control = static_cast<int>(*control),
                           .socket_as_fd = flags.find('g') != flags.npos,
                           .die_with_parent = flags.find('k') != flags.npos,
                           .indexed_variable = std::string(text),
                           .object = argv[4],
                           .arguments = {argv + 5, argv + argc}};
}

/// The words in one block of memory, as in a process that was executed.
std::string command_line(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words)
        text += (text.empty() ? "" : std::string(1, '\0')) + word;
    return text;
}

/// What the fork() of the C library does in addition to the system call: it updates the id of the
/// thread, which mutexes need, and registers the list of robust mutexes with the kernel.
class thread_facts {
  public:
    thread_facts() {
        if (::prctl(PR_GET_TID_ADDRESS, &id_, 0, 0, 0) != 0) id_ = nullptr;
        if (::syscall(SYS_get_robust_list, 0, &robust_, &size_) != 0) robust_ = nullptr;
    }
    /// The arguments of clone(2).
    unsigned long flags() const { return id_ ? CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID : 0; }
    int* id() const { return id_; }
    void restore() const {
        if (robust_) ::syscall(SYS_set_robust_list, robust_, size_);
    }

  private:
    int* id_ = nullptr;
    void* robust_ = nullptr;
    std::size_t size_ = 0;
};

/// fork(2), except that the child is a child of the parent of this process. When it ends, the
/// parent gets the same signal as for this process, SIGCHLD. Does not use clone3(2), which older
/// seccomp profiles refuse.
pid_t fork_sibling(const thread_facts& facts) {
    unsigned long flags = CLONE_PARENT | facts.flags();
#if defined(__x86_64__)
    return static_cast<pid_t>(::syscall(SYS_clone, flags, nullptr, nullptr, facts.id(), nullptr));
#elif defined(__s390__)
    return static_cast<pid_t>(::syscall(SYS_clone, nullptr, flags, nullptr, facts.id(), nullptr));
#else
    return static_cast<pid_t>(::syscall(SYS_clone, flags, nullptr, nullptr, nullptr, facts.id()));
#endif
}

std::size_t count_threads() {
    std::error_code ignored;
    std::filesystem::directory_iterator tasks("/proc/self/task", ignored);
    return static_cast<std::size_t>(std::distance(begin(tasks), end(tasks)));
}

/// The value in the environment of this process ends with an index as well, which is replaced.
void set_index_in(const std::string& variable, unsigned index) {
    const char* own = variable.empty() ? nullptr : std::getenv(variable.c_str());
    if (!own) return;
    std::string value = own;
    value.erase(value.find_last_not_of("0123456789") + 1);
    ::setenv(variable.c_str(), (value + std::to_string(index)).c_str(), 1);
}

/// Undoes what the object may have changed while it was loaded: workers begin with the defaults.
void reset_signals() {
    for (int number = 1; number <= SIGRTMAX; ++number)
        ::signal(number, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
}

/// A message of the master.
struct template_message {
    std::string text;                   ///< empty: the master has closed the connection
    std::vector<unique_fd> descriptors; ///< that were sent with it
};

std::vector<unique_fd> take_descriptors(msghdr& message) {
    std::vector<unique_fd> taken;
    cmsghdr* first = CMSG_FIRSTHDR(&message);
    if (!first || first->cmsg_level != SOL_SOCKET || first->cmsg_type != SCM_RIGHTS) return taken;
    std::size_t count = (first->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t n = 0; n < count; ++n) {
        int fd = -1;
        std::memcpy(&fd, CMSG_DATA(first) + n * sizeof fd, sizeof fd);
        taken.emplace_back(fd);
    }
    return taken;
}

/// Waits for the next message.
result<template_message> receive(int control) {
    std::string text(template_message_limit, '\0');
    iovec part{text.data(), text.size()};
    template_descriptor_room room{};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = room.bytes;
    message.msg_controllen = sizeof room.bytes;
    ssize_t size;
    do {
        size = ::recvmsg(control, &message, MSG_CMSG_CLOEXEC);
    } while (size < 0 && errno == EINTR);
    if (size < 0) return last_error("message to a template process");
    text.resize(static_cast<std::size_t>(size));
    return template_message{std::move(text), take_descriptors(message)};
}

/// A valid request for a worker.
struct fork_request {
    unsigned index = 0;
    unique_fd socket;   ///< its control socket (-g)
    unique_fd out, err; ///< empty: those of this process
};

/// Returns false if there are more descriptors than roles, or an unknown role; see
/// template_process.cpp.
bool sort_by_role(std::vector<unique_fd>& descriptors, std::string_view roles, fork_request& into) {
    if (descriptors.size() > roles.size()) return false;
    for (std::size_t n = 0; n < descriptors.size(); ++n) {
        switch (roles[n]) {
        case 'g': into.socket = std::move(descriptors[n]); break;
        case 'o': into.out = std::move(descriptors[n]); break;
        case 'e': into.err = std::move(descriptors[n]); break;
        default: return false;
        }
    }
    return true;
}

class template_server {
  public:
    explicit template_server(template_wishes wishes);
    int run();

  private:
    void take_control();
    bool is_orphaned() const;
    result<void> load();
    bool send(const std::string& text) const;
    bool serve(template_message request);
    result<fork_request> understand(template_message message) const;
    [[noreturn]] void become_worker(fork_request given, unique_fd gate);

    template_wishes wishes_;
    pid_t master_ = ::getppid();
    unique_fd control_;
    bool has_listeners_ = std::getenv("LISTEN_PID") != nullptr;
    entry_point entry_ = nullptr;
    thread_facts facts_;
};

template_server::template_server(template_wishes wishes) : wishes_(std::move(wishes)) {
    take_control();
    ::prctl(PR_SET_NAME, "einhyrningsins");
    set_process_title("einhyrningsins: template of " + wishes_.object);
}

/// Moves the control socket away from the number that a worker's descriptor gets. That number stays
/// occupied until then, so that no file that the object opens gets it.
void template_server::take_control() {
    control_.reset(::fcntl(wishes_.control, F_DUPFD_CLOEXEC, wishes_.control + 1));
    if (wishes_.socket_as_fd)
        ::dup3(STDIN_FILENO, wishes_.control, O_CLOEXEC);
    else
        ::close(wishes_.control);
}

/// Whether the master had ended before this process asked for a death signal.
bool template_server::is_orphaned() const {
    char ignored;
    return ::recv(control_.get(), &ignored, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

result<void> template_server::load() {
    std::string path = wishes_.object;
    if (path.find('/') == std::string::npos) path.insert(0, "./"); // not in system directories
    void* object = ::dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL);
    if (!object) {
        const char* reason = ::dlerror();
        return os_error{reason ? reason : "cannot be loaded"};
    }
    entry_ = reinterpret_cast<entry_point>(::dlsym(object, entry_name));
    if (!entry_)
        return os_error{std::string("it has no function ") + entry_name +
                        "; it must define extern \"C\" int einhorn_main(int argc, char **argv)"};
    if (count_threads() > 1)
        return os_error{"it has started a thread while it was loaded, which workers would not "
                        "have; start threads in einhorn_main"};
    return {};
}

bool template_server::send(const std::string& text) const {
    auto sent =
        send_template_message(control_.get(), text.substr(0, template_message_limit), {}, 0);
    return sent.has_value();
}

int template_server::run() {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (!control_ || is_orphaned()) return 1;
    auto loaded = load();
    std::fflush(nullptr); // otherwise each worker would write what is buffered
    if (!loaded) {
        send("refused " + loaded.error().message());
        return 1;
    }
    reset_signals();
    if (!send("loaded")) return 1;
    while (auto request = receive(control_.get())) {
        if (request->text.empty()) return 0;
        if (!serve(std::move(*request))) return 1;
    }
    return 1;
}

result<fork_request> template_server::understand(template_message message) const {
    constexpr std::string_view verb = "fork ";
    constexpr const char* what = "request to the template";
    std::string_view text = message.text;
    if (!text.starts_with(verb)) return os_error{what, EPROTO};
    text.remove_prefix(verb.size());
    std::string_view number = text.substr(0, text.find(' '));
    std::string_view roles = number == text ? "g" : text.substr(number.size() + 1);
    auto index = config::parse_number(number, 0, UINT32_MAX);
    if (!index) return os_error{what, EPROTO};
    // Some descriptors were dropped because this process has too many.
    if (number != text && message.descriptors.size() < roles.size()) return os_error{what, EMFILE};
    fork_request request{.index = static_cast<unsigned>(*index)};
    if (!sort_by_role(message.descriptors, roles, request) ||
        wishes_.socket_as_fd != static_cast<bool>(request.socket))
        return os_error{what, EPROTO};
    return request;
}

/// The worker waits until its pid was sent, so that the master knows the pid before the worker
/// acts.
bool template_server::serve(template_message message) {
    auto failed = [&](const os_error& error) {
        return send("failed " + std::to_string(error.number) + " " + error.what);
    };
    auto request = understand(std::move(message));
    if (!request) return failed(request.error());
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return failed(last_error("pipe"));
    unique_fd gate(ends[0]), key(ends[1]);
    pid_t pid = fork_sibling(facts_);
    if (pid < 0) return failed(last_error("fork"));
    if (pid == 0) {
        key.reset();
        become_worker(std::move(*request), std::move(gate));
    }
    bool told = send("forked " + std::to_string(pid));
    return told && ::write(key.get(), "", 1) == 1;
}

void template_server::become_worker(fork_request given, unique_fd gate) {
    facts_.restore();
    control_.reset();
    bool complete = ::setpgid(0, 0) == 0;
    if (wishes_.die_with_parent) {
        complete = complete && ::prctl(PR_SET_PDEATHSIG, SIGUSR2) == 0;
        if (::getppid() != master_) signal_self(SIGUSR2);
    }
    auto place = [&](unique_fd from, int as) {
        if (from) complete = complete && ::dup2(from.get(), as) >= 0;
    };
    place(std::move(given.socket), wishes_.control);
    place(std::move(given.out), STDOUT_FILENO);
    place(std::move(given.err), STDERR_FILENO);
    char ignored;
    if (!complete || ::read(gate.get(), &ignored, 1) != 1) ::_exit(1); // the template has ended
    gate.reset();

    if (has_listeners_) ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
    ::setenv("EINHORN_CHILD_INDEX", std::to_string(given.index).c_str(), 1);
    set_index_in(wishes_.indexed_variable, given.index);
    const std::string& program = wishes_.arguments[0];
    ::prctl(PR_SET_NAME, program.c_str() + program.rfind('/') + 1);
    set_process_title(command_line(wishes_.arguments));
    std::vector<char*> words = pointers(wishes_.arguments);
    std::exit(entry_(static_cast<int>(words.size()) - 1, words.data()));
}

} // namespace

int run_template(int argc, char** argv) {
    auto wishes = parse(argc, argv);
    if (!wishes) {
        std::fprintf(stderr, "einhyrningsins: %s: for the use of the master only\n",
                     std::string(template_word).c_str());
        return 2;
    }
    reserve_title(argc, argv);
    // Without the destructors and exit handlers of the object, whose code never ran.
    ::_exit(template_server(std::move(*wishes)).run());
}

} // namespace einhyrningsins::os
