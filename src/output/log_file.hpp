// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/report.hpp"
#include "core/time.hpp"
#include "os/output_file.hpp"
#include "output/rotation.hpp"
#include "output/state.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace einhyrningsins::output {

/// Now, on both clocks: patience is measured on one, rotation by time follows the other.
struct moment {
    core::time_point steady;
    std::chrono::system_clock::time_point wall;

    static moment now() {
        return {std::chrono::steady_clock::now(), std::chrono::system_clock::now()};
    }
};

/// Something that an operator should know, in one line.
using reporter = std::function<void(core::severity, const std::string&)>;

/// One who writes into a log file: a stream of a worker.
struct writer {
    writer_id id = 0;
    std::string partial; ///< the beginning of a line whose end has not come yet
};

/// A file that the output of workers goes to, line by line, and that is rotated. Nothing that
/// happens to the file is fatal: what cannot be written is kept up to a bound, of which the oldest
/// is dropped and counted, and tried again every second; also the file is opened anew once it has
/// vanished or was moved away.
class log_file {
  public:
    /// How much is kept in memory for a file that cannot be written.
    static constexpr std::size_t most_pending = 1024 * 1024;
    /// And for all files together, see share_pending().
    static constexpr std::size_t most_pending_of_all = 32 * most_pending;
    /// How long the others wait for the end of a line that has begun in the file.
    static constexpr core::duration patience = std::chrono::seconds(1);

    /// Opens the file, or begins to try.
    log_file(config::log_spec spec, reporter report, moment now);
    /// Goes on where another master has stopped.
    log_file(config::log_spec spec, const file_state& state, reporter report, moment now);

    const config::log_spec& spec() const { return spec_; }
    /// Another rule for the rotation of the same path.
    void change(config::log_spec spec) { spec_ = std::move(spec); }
    /// One of so many files that share what memory there is for what cannot be written.
    void share_pending(std::size_t files);
    const counters& count() const { return count_; }
    std::size_t pending() const { return pending_.size(); }
    /// Whether the last attempt to write or open has failed.
    bool is_failing() const { return failing_; }
    file_state state() const;

    void attach(writer_id id) { writers_.push_back(id); }
    bool is_used() const { return !writers_.empty(); }
    /// Whether somebody asks for it in the settings; so at first.
    bool is_wanted() const { return wanted_; }
    void set_wanted(bool wanted) { wanted_ = wanted; }

    /// Whether somebody else's line has begun in the file, so that `who` has to wait: for an end
    /// of the line, at most as long as `patience`.
    bool is_held_from(const writer& who, moment now);

    /// Takes `size` bytes of `from` out of a pipe, all of them: what does not go to the file is
    /// kept in from.partial or pending here, or dropped.
    void take(writer& from, int pipe, std::size_t size, moment now);

    /// The end of a writer: the line that it has begun is written as it is.
    void finish(writer& from, moment now);

    /// When tend() is to be called; nothing: not before something is written.
    std::optional<core::time_point> next_deadline(moment now) const;
    /// Does what is due: another attempt, a rotation by time.
    void tend(moment now);
    /// A last attempt to write what is kept; what is left then is dropped.
    void flush(moment now);

  private:
    bool is_shared() const { return writers_.size() > 1; }
    bool ends_mid_line() const;
    bool text_ends_mid_line() const;
    std::optional<std::uint64_t> limit(moment now) const;
    bool is_due(moment now) const;

    void open(moment now);
    void look(moment now);
    void begin_turn(const writer& of, moment now);
    std::size_t take_blindly(writer& from, int pipe, std::size_t size, moment now);
    void take_text(writer& from, std::string_view text, moment now);
    void take_lines(writer& from, std::string_view text, moment now);
    void add(std::string_view text, moment now);
    std::size_t put(std::string_view text, moment now);
    std::size_t next_part(std::string_view text, moment now) const;
    void wrote(std::size_t size);
    void keep(std::string_view text);
    void try_again(moment now);

    void rotate(moment now);
    os::result<void> move_away();
    os::result<void> renumber_backups();
    os::result<void> stamp_backup(const config::time_rotation& rule);
    void remove_surplus(const config::time_rotation& rule);
    void count_error(const os::os_error& why, std::string_view consequence);
    void fail(const os::os_error& why, moment now);
    void recover();

    config::log_spec spec_;
    reporter report_;
    std::optional<os::output_file> file_;
    std::uint64_t size_ = 0;
    wall_time began_{};
    mutable std::optional<bool> mid_line_; ///< of the file; nothing: to be looked up
    writer_id last_writer_ = 0;
    std::vector<writer_id> writers_;
    bool wanted_ = true;
    std::string pending_;
    std::size_t pending_limit_ = most_pending;
    bool cut_ = false; ///< the beginning of what is pending was dropped
    bool failing_ = false;
    core::time_point retry_at_{};
    core::time_point rotate_again_at_{}; ///< not before, after one that failed
    core::time_point looked_at_{};
    bool splices_ = true; ///< not every file system can
    std::string told_;    ///< the trouble that was reported last
    std::optional<core::time_point> held_since_;
    std::uint64_t dropped_before_ = 0; ///< when the trouble began
    counters count_;
};

} // namespace einhyrningsins::output
