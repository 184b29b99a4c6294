// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/pipe.hpp"
#include "output/log_file.hpp"
#include "support.hpp"

#include <boost/test/unit_test.hpp>

#include <csignal>
#include <filesystem>
#include <fstream>

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace einhyrningsins;
using namespace einhyrningsins::output;
using namespace os_test;
using namespace std::chrono_literals;

namespace {

/// A log file whose clock stands still until a test moves it, and a pipe to feed it.
struct logged {
    std::vector<std::string> told;
    moment now{core::time_point(1000h), std::chrono::sys_days(std::chrono::year(2096) / 11 / 21)};
    os::pipe_ends pipe = std::move(*os::make_pipe());
    std::unique_ptr<log_file> file;
    writer_id last = 0;

    explicit logged(const std::string& spec) {
        os::resize_pipe(pipe.read.get(), 1024 * 1024);
        file = std::make_unique<log_file>(
            model::log_file_state{.spec = *config::parse_log_spec(spec)}, now);
        note();
    }
    void note() {
        for (auto& each : file->take_notes())
            told.push_back(each.text);
    }
    writer_id join() {
        file->attach(++last);
        return last;
    }
    void give(writer_id from, const std::string& text) {
        std::size_t done = 0;
        while (done < text.size()) {
            std::size_t part = std::min<std::size_t>(text.size() - done, 512 * 1024);
            if (::write(pipe.write.get(), text.data() + done, part) != ssize_t(part)) std::abort();
            file->take(from, pipe.read.get(), part, now);
            done += part;
        }
        note();
    }
    void finish(writer_id from) {
        file->finish(from, now);
        note();
    }
    void flush() {
        file->flush(now);
        note();
    }
    void pass(core::duration time) {
        now.steady += time;
        now.wall += time;
        file->tend(now);
        note();
    }
    /// A reload of the master: everything anew but what state() and unwritten() have.
    void carry_over() {
        model::log_file_state state = file->state();
        auto unwritten = file->unwritten();
        state.fd = ::fcntl(state.fd, F_DUPFD_CLOEXEC, 0);
        file = std::make_unique<log_file>(state, now);
        for (auto& [id, text] : unwritten)
            file->attach(id, std::move(text), now);
        note();
    }
};

struct fixture {
    scratch directory;
    std::string path = directory / "log";

    std::string by_size(std::uint64_t bytes, unsigned backups) const {
        return "size:" + std::to_string(bytes) + ":" + std::to_string(backups) + ":" + path;
    }
    std::string plain() const { return by_size(1 << 30, 1); }
    std::vector<std::string> names() const {
        std::vector<std::string> found;
        for (const auto& entry : std::filesystem::directory_iterator(directory.path()))
            found.push_back(entry.path().filename());
        std::ranges::sort(found);
        return found;
    }
};

using names_type = std::vector<std::string>;

std::string first_error(const logged& log) { return log.told.empty() ? "" : log.told.front(); }

} // namespace

BOOST_FIXTURE_TEST_SUITE(log_files, fixture)

BOOST_AUTO_TEST_CASE(a_file_is_made_and_written) {
    logged log(plain());
    writer_id one = log.join();
    log.give(one, "a\nb\n");
    log.give(one, "unended");
    BOOST_TEST(contents(path) == "a\nb\nunended");
    BOOST_TEST(log.file->count().bytes == 11U);
    BOOST_TEST((std::filesystem::status(path).permissions() == std::filesystem::perms(0640)));
    BOOST_TEST(!log.file->next_deadline(log.now).has_value());
    BOOST_TEST(log.told.empty());
}

BOOST_AUTO_TEST_CASE(an_older_file_goes_on_at_its_end) {
    write_file(path, "older\nbroken");
    logged log(plain());
    writer_id one = log.join();
    log.give(one, "a\n");
    BOOST_TEST(contents(path) == "older\nbroken\na\n");
}

BOOST_AUTO_TEST_CASE(traps_are_left_alone) {
    std::string target = directory / "target";
    write_file(target, "precious");
    BOOST_REQUIRE(::symlink(target.c_str(), path.c_str()) == 0);
    BOOST_TEST(first_error(logged(plain())).starts_with(path + " is a symbolic link;"));
    ::unlink(path.c_str());
    BOOST_REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    BOOST_TEST(first_error(logged(plain())).starts_with(path + " is not a regular file;"));
    ::unlink(path.c_str());
    ::chmod(directory.path().c_str(), 01777);
    BOOST_REQUIRE(::link(target.c_str(), path.c_str()) == 0);
    BOOST_TEST(first_error(logged(plain()))
                   .starts_with(path + " has several hard links, and everybody can"));
    BOOST_TEST(contents(target) == "precious");
}

BOOST_AUTO_TEST_CASE(another_users_file_is_taken_only_where_no_other_could_have_put_it,
                     *boost::unit_test::precondition(needs_root)) {
    write_file(path, "", 0666);
    BOOST_REQUIRE(::chown(path.c_str(), 65534, 65534) == 0);
    BOOST_TEST(first_error(logged(plain())) == "");
    ::chmod(directory.path().c_str(), 01777);
    BOOST_TEST(first_error(logged(plain()))
                   .starts_with(path + " belongs to uid 65534, and everybody can"));
}

BOOST_AUTO_TEST_CASE(rotation_by_size_keeps_so_many_backups) {
    logged log(by_size(10, 2));
    writer_id one = log.join();
    log.give(one, "aaaa\nbbbb\ncccc\ndddd\n");
    BOOST_TEST(contents(path) == "cccc\ndddd\n");
    BOOST_TEST(contents(path + ".1") == "aaaa\nbbbb\n");
    log.give(one, "eeee\nffff\ngggg\n");
    BOOST_TEST(contents(path) == "gggg\n");
    BOOST_TEST(contents(path + ".1") == "eeee\nffff\n");
    BOOST_TEST(contents(path + ".2") == "cccc\ndddd\n");
    BOOST_TEST(names() == names_type({"log", "log.1", "log.2"}));
    BOOST_TEST(log.file->count().rotations == 3U);
}

BOOST_AUTO_TEST_CASE(without_backups_the_old_text_goes) {
    logged log(by_size(10, 0));
    writer_id one = log.join();
    log.give(one, "aaaa\nbbbb\ncccc\n");
    BOOST_TEST(contents(path) == "cccc\n");
    BOOST_TEST(names() == names_type({"log"}));
}

BOOST_AUTO_TEST_CASE(a_line_in_pieces_is_not_torn_by_a_rotation) {
    logged log(by_size(10, 5));
    writer_id one = log.join();
    for (const char* piece : {"aa", "aa\nb", "bbb", "\nc", "ccc", "\n"})
        log.give(one, piece);
    BOOST_TEST(contents(path + ".1") == "aaaa\nbbbb\n");
    BOOST_TEST(contents(path) == "cccc\n");
}

BOOST_AUTO_TEST_CASE(large_files_are_rotated_between_lines_too) {
    logged log(by_size(1'000'000, 20));
    writer_id one = log.join();
    std::string all;
    for (int n = 0; all.size() < 5'500'000; ++n)
        all += "line " + std::to_string(n) + std::string(n % 90, '.') + "\n";
    log.give(one, all);
    log.finish(one);
    std::string found;
    for (int n = 6; n >= 0; --n) {
        std::string part = contents(n == 0 ? path : path + "." + std::to_string(n));
        BOOST_TEST(part.size() <= 1'000'000U);
        BOOST_TEST((part.empty() || part.back() == '\n'));
        if (n > 0 && !part.empty()) BOOST_TEST(part.size() > 999'800U);
        found += part;
    }
    BOOST_TEST((found == all));
}

BOOST_AUTO_TEST_CASE(rotation_by_time) {
    logged log("time:1:H:U:2:" + path);
    writer_id one = log.join();
    log.give(one, "a\n");
    log.pass(30min);
    log.give(one, "b\n");
    BOOST_REQUIRE(log.file->next_deadline(log.now).has_value());
    BOOST_TEST((*log.file->next_deadline(log.now) == log.now.steady + 30min));
    log.pass(30min); // nobody writes: it is rotated all the same
    BOOST_TEST(contents(path + ".2096112100") == "a\nb\n");
    BOOST_TEST(contents(path) == "");
    BOOST_TEST(!log.file->next_deadline(log.now).has_value());
    log.pass(10h); // an empty file is not
    BOOST_TEST(names() == names_type({"log", "log.2096112100"}));
    for (const char* text : {"c\n", "d\n", "e\n"}) {
        log.give(one, text);
        log.pass(1h);
    }
    BOOST_TEST(names() == names_type({"log", "log.2096112112", "log.2096112113"}));
    BOOST_TEST(contents(path + ".2096112113") == "e\n");
}

BOOST_AUTO_TEST_CASE(rotation_by_time_waits_for_the_end_of_a_line) {
    logged log("time:5:S:U:2:" + path);
    writer_id one = log.join();
    log.give(one, "a\nbegun");
    log.pass(6s);
    BOOST_TEST(names() == names_type({"log"}));
    BOOST_TEST(!log.file->next_deadline(log.now).has_value());
    log.give(one, " ended\nnext\n");
    BOOST_TEST(contents(path + ".20961121000000") == "a\nbegun ended\n");
    BOOST_TEST(contents(path) == "next\n");
}

BOOST_AUTO_TEST_CASE(two_files_of_the_same_time_are_both_kept) {
    logged log("time:1:D:U:9:" + path);
    write_file(path + ".20961121", "somebody's\n");
    writer_id one = log.join();
    log.give(one, "a\n");
    log.pass(24h);
    BOOST_TEST(contents(path + ".20961121") == "somebody's\n");
    BOOST_TEST(contents(path + ".20961121_2") == "a\n");
}

BOOST_AUTO_TEST_CASE(lines_of_two_writers_are_not_mixed) {
    logged log(plain());
    writer_id one = log.join(), two = log.join();
    log.give(one, "one begins, ");
    log.give(two, "two begins, ");
    log.give(one, "one ends\nand again ");
    log.give(two, "two ends\n");
    log.give(one, "ends\n");
    BOOST_TEST(contents(path) == "one begins, one ends\ntwo begins, two ends\nand again ends\n");
}

BOOST_AUTO_TEST_CASE(a_line_that_has_begun_in_the_file_holds_it_for_a_while) {
    logged log(plain());
    writer_id one = log.join();
    log.give(one, "one begins, "); // alone, so it went to the file
    writer_id two = log.join();
    BOOST_TEST(log.file->holder() == one);
    log.give(two, "two\n");
    BOOST_TEST(contents(path) == "one begins, ");
    BOOST_TEST(log.file->holds());
    BOOST_TEST((log.file->next_deadline(log.now) == log.now.steady + log_file::patience));
    log.give(one, "one ends\n");
    BOOST_TEST(log.file->holder() == 0U);
    BOOST_TEST(!log.file->holds());
    BOOST_TEST(contents(path) == "one begins, one ends\ntwo\n");

    log.give(one, std::string(longest_partial + 1, 'x')); // too long to be kept
    BOOST_TEST(log.file->holder() == one);
    log.give(two, "two again\n");
    log.pass(log_file::patience - 1ms);
    BOOST_TEST(contents(path).ends_with("x"));
    log.pass(1ms);
    BOOST_TEST(contents(path).ends_with("x\ntwo again\n"));
    BOOST_TEST(!log.file->next_deadline(log.now).has_value());
}

BOOST_AUTO_TEST_CASE(who_has_waited_long_enough_insists) {
    logged log(plain());
    writer_id one = log.join();
    log.give(one, "one begins");
    writer_id two = log.join();
    log.file->take(two, "two\n", log.now, true);
    BOOST_TEST(contents(path) == "one begins\ntwo\n");
}

BOOST_AUTO_TEST_CASE(what_is_held_back_outlives_its_writer_and_a_reload) {
    logged log(plain());
    writer_id one = log.join();
    log.give(one, "one begins, ");
    writer_id two = log.join(), three = log.join();
    log.give(two, "two\nends so");
    log.give(three, "three\n");
    log.finish(two);
    log.carry_over();
    BOOST_TEST(contents(path) == "one begins, ");
    log.give(one, "one ends\n");
    BOOST_TEST(contents(path) == "one begins, one ends\ntwo\nthree\n");
    log.finish(two);
    BOOST_TEST(contents(path) == "one begins, one ends\ntwo\nthree\nends so");
}

BOOST_AUTO_TEST_CASE(a_gap_in_the_output_of_a_writer_ends_its_line) {
    logged log(plain());
    writer_id one = log.join(), two = log.join();
    log.give(one, "one begins");
    log.give(two, "two begins");
    log.file->note_gap(one, 1000, log.now);
    log.give(one, "one again\n");
    log.give(two, " and ends\n");
    BOOST_TEST(contents(path) == "one begins\none again\ntwo begins and ends\n");
    BOOST_TEST(log.file->count().dropped == 1000U);
    log.file->note_gap(one, 1, log.now);
    BOOST_TEST(contents(path).ends_with("ends\n"));
}

BOOST_AUTO_TEST_CASE(the_last_line_of_a_writer_is_kept_as_it_is) {
    logged log(plain());
    writer_id one = log.join(), two = log.join();
    log.give(one, "last words");
    log.finish(one);
    BOOST_TEST(contents(path) == "last words");
    BOOST_TEST(log.file->holder() == 0U);
    log.give(two, "two\n");
    BOOST_TEST(contents(path) == "last words\ntwo\n");
}

BOOST_AUTO_TEST_CASE(a_file_that_was_removed_is_made_again) {
    logged log(plain());
    writer_id one = log.join();
    log.give(one, "a\n");
    ::unlink(path.c_str());
    log.give(one, "b\n");
    BOOST_TEST(contents(path) == "b\n");
}

BOOST_AUTO_TEST_CASE(a_file_that_was_moved_away_is_made_again_within_a_second) {
    logged log(plain());
    writer_id one = log.join();
    log.give(one, "a\n");
    std::filesystem::rename(path, path + ".moved");
    log.pass(1s);
    log.give(one, "b\n");
    BOOST_TEST(contents(path + ".moved") == "a\n");
    BOOST_TEST(contents(path) == "b\n");
}

BOOST_AUTO_TEST_CASE(a_file_that_somebody_emptied_has_no_hole) {
    logged log(plain());
    writer_id one = log.join();
    log.give(one, "a\n");
    std::filesystem::resize_file(path, 0);
    log.give(one, "b\n");
    BOOST_TEST(contents(path) == "b\n");
}

BOOST_AUTO_TEST_CASE(a_vanished_directory_is_waited_for) {
    std::string folder = directory / "folder";
    path = folder + "/log";
    ::mkdir(folder.c_str(), 0755);
    logged log(plain());
    writer_id one = log.join();
    log.give(one, "a\n");
    std::filesystem::remove_all(folder);
    log.give(one, "b\n");
    log.give(one, "c\nd");
    BOOST_TEST(log.file->is_failing());
    BOOST_TEST(log.file->pending() == 5U);
    for (int n = 0; n < 3; ++n) {
        BOOST_REQUIRE(log.file->next_deadline(log.now).has_value());
        log.pass(*log.file->next_deadline(log.now) - log.now.steady);
    }
    BOOST_TEST(log.file->count().errors == 4U);
    BOOST_TEST(log.file->count().last_error == path + ": its directory: No such file or directory");
    BOOST_TEST(log.told.size() == 1U);
    ::mkdir(folder.c_str(), 0755);
    log.pass(1s);
    BOOST_TEST(contents(path) == "b\nc\nd");
    BOOST_TEST(!log.file->is_failing());
    BOOST_TEST(log.told.size() == 2U);
    BOOST_TEST(log.told.back() == path + " is written again");
    BOOST_TEST(!log.file->next_deadline(log.now).has_value());
}

BOOST_AUTO_TEST_CASE(what_cannot_be_written_in_the_end_is_told) {
    path = directory / "missing/log";
    logged log(plain());
    writer_id one = log.join();
    log.give(one, "a\nb");
    log.finish(one);
    log.flush();
    BOOST_TEST(log.told.back() == path + ": the last 3 bytes of output could not be written");
    BOOST_TEST(log.file->count().dropped == 3U);
    auto told = log.told.size();
    log.flush();
    BOOST_TEST(log.told.size() == told);
}

BOOST_AUTO_TEST_CASE(the_oldest_is_dropped_when_there_is_too_much) {
    path = directory / "missing/log";
    logged log(plain());
    writer_id one = log.join();
    std::string all;
    for (int n = 0; all.size() < 3 * pending_limit(1); ++n)
        all += "line " + std::to_string(n) + "\n";
    log.give(one, all);
    BOOST_TEST(log.file->pending() <= pending_limit(1));
    BOOST_TEST(log.file->pending() > pending_limit(1) / 2);
    BOOST_TEST(log.file->count().dropped == all.size() - log.file->pending());
    ::mkdir((directory / "missing").c_str(), 0755);
    log.pass(1s);
    std::string found = contents(path);
    BOOST_TEST(all.ends_with(found));
    BOOST_TEST(found.starts_with("line "));
    BOOST_TEST(log.told.back() == path + " is written again; " +
                                      std::to_string(log.file->count().dropped) +
                                      " bytes were dropped");
}

BOOST_AUTO_TEST_CASE(a_read_only_file_is_tried_again, *boost::unit_test::precondition(needs_root)) {
    ::chmod(directory.path().c_str(), 0755);
    write_file(path, "old\n", 0444);
    auto told = in_child([&] {
        if (::setresuid(65534, 65534, 65534) != 0) return 97;
        logged log(plain());
        writer_id one = log.join();
        log.give(one, "a\n");
        log.pass(1s);
        return first_failure({log.file->is_failing(), log.file->count().errors == 2,
                              log.file->count().last_error == path + ": Permission denied",
                              log.file->pending() == 2});
    });
    BOOST_TEST(told == 0);
    BOOST_TEST(contents(path) == "old\n");
}

BOOST_AUTO_TEST_CASE(a_limit_on_files_is_survived) {
    auto told = in_child([&] {
        sigset_t blocked;
        sigfillset(&blocked);
        sigprocmask(SIG_BLOCK, &blocked, nullptr); // EFBIG instead of SIGXFSZ, as in the master
        logged log(plain());
        writer_id one = log.join();
        rlimit small{7, RLIM_INFINITY}, none{RLIM_INFINITY, RLIM_INFINITY};
        ::setrlimit(RLIMIT_FSIZE, &small);
        log.give(one, "aaaa\nbbbb\ncccc\n");
        bool failed = log.file->is_failing() && log.file->count().last_error.ends_with("too large");
        log.give(one, "dddd\n");
        log.pass(1s);
        bool again = log.file->is_failing();
        ::setrlimit(RLIMIT_FSIZE, &none);
        log.pass(1s);
        return first_failure(
            {failed, again, !log.file->is_failing(), contents(path) == "aaaa\nbbbb\ncccc\ndddd\n"});
    });
    BOOST_TEST(told == 0);
}

BOOST_AUTO_TEST_CASE(what_follows_a_gap_begins_a_line) {
    auto told = in_child([&] {
        sigset_t blocked;
        sigfillset(&blocked);
        sigprocmask(SIG_BLOCK, &blocked, nullptr);
        logged log(plain());
        writer_id one = log.join();
        log.give(one, "a\nbegun");
        rlimit small{7, RLIM_INFINITY}, none{RLIM_INFINITY, RLIM_INFINITY};
        ::setrlimit(RLIMIT_FSIZE, &small);
        for (int n = 0; n < 300'000; n += 1000) {
            std::string lines;
            for (int m = n; m < n + 1000; ++m)
                lines += "line " + std::to_string(m) + "\n";
            log.give(one, lines);
        }
        ::setrlimit(RLIMIT_FSIZE, &none);
        log.pass(1s);
        std::string found = contents(path);
        return first_failure({log.file->count().dropped > 0, found.starts_with("a\nbegun\nline "),
                              found.ends_with("\nline 299999\n")});
    });
    BOOST_TEST(told == 0);
}

BOOST_AUTO_TEST_CASE(a_full_disk_is_survived) {
    auto told = in_child([&] {
        if (::unshare(is_root() ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER) != 0) return 0;
        ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
        if (::mount("none", directory.path().c_str(), "tmpfs", 0, "size=2m") != 0) return 0;
        logged log(plain());
        writer_id one = log.join();
        std::string filler(1'500'000, 'f'), all;
        { std::ofstream(directory / "filler") << filler; }
        for (int n = 0; all.size() < 900'000; ++n)
            all += "line " + std::to_string(n) + "\n";
        log.give(one, all);
        bool failed = log.file->is_failing() &&
                      log.file->count().last_error.ends_with("No space left on device");
        std::size_t before = contents(path).size();
        log.pass(1s);
        bool still = log.file->is_failing() && log.file->count().errors == 2;
        ::unlink((directory / "filler").c_str());
        log.pass(1s);
        return first_failure({failed, before > 0 && before < all.size(), still,
                              !log.file->is_failing(), contents(path) == all,
                              log.file->count().dropped == 0});
    });
    BOOST_TEST(told == 0);
}

BOOST_AUTO_TEST_CASE(a_rotation_that_fails_loses_nothing) {
    ::mkdir((path + ".1").c_str(), 0755);
    logged log(by_size(5, 1));
    writer_id one = log.join();
    log.give(one, "aaaa\nbbbb\ncccc\n");
    BOOST_TEST(contents(path) == "aaaa\nbbbb\ncccc\n");
    BOOST_TEST(log.file->count().errors == 1U);
    BOOST_TEST(log.told.size() == 1U);
    BOOST_TEST(!log.file->is_failing());
    ::rmdir((path + ".1").c_str());
    log.pass(1s);
    log.give(one, "dddd\n");
    BOOST_TEST(contents(path + ".1") == "aaaa\nbbbb\ncccc\n");
    BOOST_TEST(contents(path) == "dddd\n");
}

BOOST_AUTO_TEST_CASE(a_file_goes_on_after_a_reload) {
    logged log(by_size(10, 2));
    writer_id one = log.join();
    log.give(one, "aaaa\nbb");
    log.carry_over();
    log.give(one, "bb\ncccc\n");
    BOOST_TEST(contents(path + ".1") == "aaaa\nbbbb\n");
    BOOST_TEST(contents(path) == "cccc\n");
    BOOST_TEST(log.file->count().rotations == 1U);
    BOOST_TEST(log.file->count().bytes == 15U);
}

BOOST_AUTO_TEST_CASE(what_is_pending_goes_on_after_a_reload) {
    path = directory / "missing/log";
    logged log(plain());
    writer_id one = log.join();
    log.give(one, "a\nb\n");
    log.carry_over();
    BOOST_TEST(log.file->pending() == 4U);
    ::mkdir((directory / "missing").c_str(), 0755);
    log.pass(1s);
    BOOST_TEST(contents(path) == "a\nb\n");
}

BOOST_AUTO_TEST_CASE(the_time_of_rotation_goes_on_after_a_reload) {
    logged log("time:1:H:U:2:" + path);
    writer_id one = log.join();
    log.give(one, "a\n");
    log.pass(59min);
    log.carry_over();
    BOOST_TEST((*log.file->next_deadline(log.now) == log.now.steady + 1min));
}

BOOST_AUTO_TEST_SUITE_END()
