// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/spawn.hpp"
#include "support.hpp"

#include <boost/test/unit_test.hpp>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <optional>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace einhyrningsins::os;
using namespace os_test;

namespace {

constexpr uid_t user = 61234;

/// Runs `work` as the user, in a process of its own.
int as_user(const std::function<int()>& work) {
    return in_child([&] {
        if (::setresgid(user, user, user) != 0 || ::setresuid(user, user, user) != 0) return 98;
        return work();
    });
}

/// The program of a worker, which nobody can execute while this has a lease of it, see fcntl(2):
/// whoever tries waits in execve(2), where a signal finds him before his exec.
class held_program {
  public:
    held_program() {
        BOOST_REQUIRE(::chmod(directory_.path().c_str(), 0755) == 0);
        std::filesystem::copy_file("/bin/sleep", path());
        std::signal(SIGIO, SIG_IGN); // which tells that somebody waits
        hold_.reset(::open(path().c_str(), O_RDWR | O_CLOEXEC));
        BOOST_REQUIRE(::fcntl(hold_.get(), F_SETLEASE, F_WRLCK) == 0);
    }
    std::string path() const { return directory_ / "program"; }
    void let_go() { hold_.reset(); }

  private:
    scratch directory_;
    unique_fd hold_;
};

struct fixture {
    static spawn_plan plan_for(const std::string& program, std::optional<identity> who,
                               std::vector<int> descriptors = {}) {
        spawn_recipe recipe;
        recipe.program = program;
        recipe.arguments = {"sleep", "1000"};
        recipe.directory = std::move(*open_directory("/"));
        recipe.descriptors = std::move(descriptors);
        recipe.identity = std::move(who);
        return spawn_plan::make(std::move(recipe));
    }

    fixture() { BOOST_REQUIRE(::pipe2(pipe_ends_, O_CLOEXEC) == 0); }
    ~fixture() {
        end();
        ::close(pipe_ends_[0]);
        ::close(pipe_ends_[1]);
    }

    /// Has a child stopped by its own user between its change of identity and its exec.
    void stop_before_exec() {
        auto plan =
            plan_for(program.path(), identity{.user = user, .group = user}, {pipe_ends_[0]});
        auto born = plan.spawn(0, -1);
        BOOST_REQUIRE_MESSAGE(born, born.error().message());
        caught = std::move(*born);
        auto stop = [&] {
            while (::kill(caught.pid(), SIGSTOP) != 0) // it is still ours
                ::usleep(100);
            return 0;
        };
        BOOST_REQUIRE(as_user(stop) == 0);
        siginfo_t ignored{};
        ::waitid(P_PID, static_cast<id_t>(caught.pid()), &ignored, WSTOPPED | WNOWAIT);
        BOOST_REQUIRE(!caught.outcome().has_value());
    }

    void end() {
        if (caught.pid() == 0) return;
        ::kill(caught.pid(), SIGKILL);
        exit_code_of(caught.pid());
        caught = birth(0);
    }

    std::string proc(const std::string& name) const {
        return "/proc/" + std::to_string(caught.pid()) + "/" + name;
    }

    held_program program;
    int pipe_ends_[2];
    birth caught{0};
};

bool becomes_known(const birth& child) {
    pollfd report{child.report(), POLLIN, 0};
    return ::poll(&report, 1, 20'000) == 1;
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(birth_of_another_user, fixture)

BOOST_AUTO_TEST_CASE(one_that_was_stopped_keeps_nobody_waiting,
                     *boost::unit_test::precondition(needs_root)) {
    stop_before_exec();
    for (const auto& who : {std::optional<identity>(),
                            std::optional(identity{.user = user + 1, .group = user + 1})}) {
        auto other = plan_for("/bin/sleep", who).spawn(0, -1);
        BOOST_REQUIRE(other);
        BOOST_TEST((other->report() < 0 || becomes_known(*other)));
        auto outcome = other->outcome();
        BOOST_TEST((outcome && *outcome));
        ::kill(other->pid(), SIGKILL);
        exit_code_of(other->pid());
    }
    BOOST_TEST(!caught.outcome().has_value());
    program.let_go();
    BOOST_TEST(!caught.outcome().has_value());
    ::kill(caught.pid(), SIGCONT);
    BOOST_TEST(becomes_known(caught));
    auto outcome = caught.outcome();
    BOOST_TEST((outcome && *outcome), "it goes on to its program");
}

BOOST_AUTO_TEST_CASE(its_death_on_the_way_is_an_outcome,
                     *boost::unit_test::precondition(needs_root)) {
    stop_before_exec();
    ::kill(caught.pid(), SIGKILL);
    BOOST_TEST(becomes_known(caught));
    BOOST_TEST(caught.outcome().has_value());
}

BOOST_AUTO_TEST_CASE(its_user_cannot_look_into_what_it_has_of_ours,
                     *boost::unit_test::precondition(needs_root)) {
    volatile long secret = 42;
    long* place = const_cast<long*>(&secret);
    stop_before_exec();
    pid_t pid = caught.pid();
    BOOST_TEST(as_user([&] {
                   long copy = 0;
                   iovec to{&copy, sizeof copy}, from{place, sizeof copy};
                   bool read = ::process_vm_readv(pid, &to, 1, &from, 1, 0) > 0;
                   bool written = ::process_vm_writev(pid, &to, 1, &from, 1, 0) > 0;
                   bool traced = ::ptrace(PTRACE_SEIZE, pid, nullptr, nullptr) == 0;
                   bool memory = ::open(proc("mem").c_str(), O_RDONLY) >= 0;
                   bool environment = ::open(proc("environ").c_str(), O_RDONLY) >= 0;
                   bool files = ::open(proc("fd").c_str(), O_RDONLY | O_DIRECTORY) >= 0;
                   return first_failure({!read, !written, !traced, !memory, !environment, !files});
               }) == 0);
}

BOOST_AUTO_TEST_CASE(it_shares_neither_memory_nor_descriptors,
                     *boost::unit_test::precondition(needs_root)) {
    volatile long ours = 42;
    stop_before_exec();
    long other = 43;
    iovec from{&other, sizeof other}, to{const_cast<long*>(&ours), sizeof other};
    BOOST_TEST(::process_vm_writev(caught.pid(), &from, 1, &to, 1, 0) == sizeof other);
    BOOST_TEST(ours == 42);
    int number = ::dup(pipe_ends_[1]);
    BOOST_TEST(!exists(proc("fd/" + std::to_string(number))));
    ::close(number);
}

/// What is closed here is closed for whoever is at the other end, however long a child is stopped.
BOOST_AUTO_TEST_CASE(it_keeps_nothing_open_but_what_its_program_gets,
                     *boost::unit_test::precondition(needs_root)) {
    stop_before_exec();
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(proc("fd")))
        count += std::stoi(entry.path().filename()) > 2;
    BOOST_TEST(count == 2U, "one listener and the report");
    struct stat listener {
    }, given{};
    BOOST_REQUIRE(::fstat(pipe_ends_[0], &listener) == 0);
    BOOST_REQUIRE(::stat(proc("fd/3").c_str(), &given) == 0);
    BOOST_TEST(given.st_ino == listener.st_ino);
}

BOOST_AUTO_TEST_CASE(whether_we_can_be_dumped_is_never_changed,
                     *boost::unit_test::precondition(needs_root)) {
    for (int ours : {0, 1})
        BOOST_TEST(
            in_child([&] {
                ::prctl(PR_SET_DUMPABLE, ours);
                for (uid_t who : {uid_t{0}, user}) {
                    auto born =
                        plan_for("/bin/sleep", identity{.user = who, .group = who}).spawn(0, -1);
                    if (!born || !becomes_known(*born)) return 99;
                    ::kill(born->pid(), SIGKILL);
                    if (::prctl(PR_GET_DUMPABLE) != ours) return 1;
                }
                return 0;
            }) == 0);
}

/// In ours it could type into our terminal, for our shell.
BOOST_AUTO_TEST_CASE(it_leads_a_session, *boost::unit_test::precondition(needs_root)) {
    stop_before_exec();
    BOOST_TEST(::getsid(caught.pid()) == caught.pid());
    BOOST_TEST(::getpgid(caught.pid()) == caught.pid());
}

/// No job control keeps a process of another session from reading a terminal.
BOOST_AUTO_TEST_CASE(our_terminal_is_for_its_output_alone,
                     *boost::unit_test::precondition(needs_root)) {
    unique_fd master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    BOOST_REQUIRE((::grantpt(master.get()) == 0 && ::unlockpt(master.get()) == 0));
    auto access_of = [](pid_t pid, const std::string& fd) {
        std::string facts = contents("/proc/" + std::to_string(pid) + "/fdinfo/" + fd);
        return std::stoi(facts.substr(facts.find("flags:") + 6), nullptr, 8) & O_ACCMODE;
    };
    BOOST_TEST(in_child([&] {
                   int terminal = ::open(::ptsname(master.get()), O_RDWR | O_NOCTTY);
                   ::dup2(terminal, STDOUT_FILENO);
                   ::dup2(terminal, STDERR_FILENO);
                   auto born =
                       plan_for("/bin/sleep", identity{.user = user, .group = user}).spawn(0, -1);
                   if (!born || !becomes_known(*born)) return 99;
                   bool out = access_of(born->pid(), "1") == O_WRONLY;
                   bool err = access_of(born->pid(), "2") == O_WRONLY;
                   ::kill(born->pid(), SIGKILL);
                   return first_failure({out, err});
               }) == 0);
}

/// Output is lost there in any case.
BOOST_AUTO_TEST_CASE(a_terminal_that_was_hung_up_is_replaced,
                     *boost::unit_test::precondition(needs_root)) {
    BOOST_TEST(in_child([] {
                   unique_fd master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
                   ::grantpt(master.get());
                   ::unlockpt(master.get());
                   int terminal = ::open(::ptsname(master.get()), O_RDWR | O_NOCTTY);
                   ::dup2(terminal, STDERR_FILENO);
                   master.reset();
                   auto born =
                       plan_for("/bin/sleep", identity{.user = user, .group = user}).spawn(0, -1);
                   if (!born || !becomes_known(*born)) return 99;
                   bool runs = born->outcome() && *born->outcome();
                   ::kill(born->pid(), SIGKILL);
                   return first_failure({runs});
               }) == 0);
}

BOOST_AUTO_TEST_CASE(what_has_failed_says_so_whenever_it_is_asked,
                     *boost::unit_test::precondition(needs_root)) {
    spawn_recipe recipe;
    recipe.program = "/etc/shadow"; // nobody may execute it
    recipe.arguments = {"shadow"};
    recipe.directory = std::move(*open_directory("/"));
    recipe.identity = identity{.user = user, .group = user};
    auto plan = spawn_plan::make(std::move(recipe));
    auto born = plan.spawn(0, -1);
    BOOST_REQUIRE(born);
    BOOST_TEST(becomes_known(*born));
    auto outcome = born->outcome();
    BOOST_REQUIRE((outcome && !*outcome));
    BOOST_TEST(outcome->error().message() == "exec /etc/shadow: Permission denied");
    BOOST_TEST((born->outcome() && !*born->outcome()));
    BOOST_TEST(exit_code_of(born->pid()) == 127);
}

BOOST_AUTO_TEST_SUITE_END()
