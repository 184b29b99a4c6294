// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/report.hpp"
#include "core/time.hpp"
#include "model/log_state.hpp"
#include "os/output_file.hpp"
#include "output/rotation.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace einhyrningsins::output {

using model::writer_id;

/// How many bytes are kept at most for a file that cannot be written, if there are `files` of them:
/// 1 MiB for each and 32 MiB for all.
std::size_t pending_limit(std::size_t files);

/// A time on both clocks: waits are measured on one, rotation by time follows the other.
struct moment {
    core::time_point steady;
    std::chrono::system_clock::time_point wall;

    static moment now() {
        return {std::chrono::steady_clock::now(), std::chrono::system_clock::now()};
    }
};

/// A message for the operator, one line.
struct note {
    core::severity level;
    std::string text;
};

/// A log file of workers, with its rotation. No error is fatal: output that cannot be written is
/// kept up to a bound, beyond which the oldest is dropped and counted, and writing is retried every
/// second. A file that was removed or moved away is opened anew.
///
/// Its functions wait for the disk: they are for helper threads, and it belongs to one thread at a
/// time.
///
/// Several writers can share it: their lines do not break each other's. While the last line in the
/// file has no end yet, output of other writers is held back, for at most `patience`.
class log_file {
  public:
    /// How long other writers wait for the end of a line that has begun in the file.
    static constexpr core::duration patience = std::chrono::seconds(1);

    /// Continues with the file of another master and takes ownership of its descriptor. If there is
    /// none, as in the state of a new file, opens the file, or begins to try.
    log_file(const model::log_file_state& state, moment now);

    const config::log_spec& spec() const { return spec_; }
    /// Sets another rotation for the same path.
    void change(config::log_spec spec) { spec_ = std::move(spec); }
    /// Sets how many bytes are kept at most when it cannot be written, see pending_limit().
    void limit_pending(std::size_t bytes) { pending_limit_ = bytes; }
    const model::log_counters& count() const { return count_; }
    std::size_t pending() const { return pending_.size(); }
    /// Whether the last attempt to write or open has failed.
    bool is_failing() const { return failing_; }
    /// The device that the file was on when it was last opened; 0: it never was.
    std::uint64_t device() const { return device_; }
    /// The state for another master, together with unwritten().
    model::log_file_state state() const;
    /// Output of the writers that is not in the file yet: lines without an end, and what is held
    /// back.
    std::vector<std::pair<writer_id, std::string>> unwritten() const;
    /// The messages since the last call.
    std::vector<note> take_notes() { return std::exchange(notes_, {}); }

    /// Adds a writer.
    void attach(writer_id id) { writers_.try_emplace(id); }
    /// Adds a writer that another master has read from, with its unwritten() output.
    void attach(writer_id id, std::string unwritten, moment now);
    /// A writer has ended: a line that it has begun is written without an end.
    void finish(writer_id id, moment now);

    /// The writer whose line has no end yet, so that the others have to wait; 0: none.
    writer_id holder() const;

    /// Whether output is held back because of that.
    bool holds() const { return any_held_; }

    /// Takes `size` bytes of `from` out of a pipe, all of them: those that cannot be written are
    /// kept or dropped. `insists`: the writer has waited long enough for the end of another one's
    /// line.
    void take(writer_id from, int pipe, std::size_t size, moment now, bool insists = false);
    /// The same with text.
    void take(writer_id from, std::string_view text, moment now, bool insists = false);
    /// `size` bytes of writers that it will never hear of were dropped.
    void count_lost(std::uint64_t size) { count_.dropped += size; }
    /// `size` bytes of a writer were dropped. What follows begins a line.
    void note_gap(writer_id from, std::size_t size, moment now);

    /// When tend() must be called; nothing: not before something is written.
    std::optional<core::time_point> next_deadline(moment now) const;
    /// Does what is due: another attempt, a rotation by time, output that was held back.
    void tend(moment now);
    /// Makes a last attempt to write what is kept, and drops what cannot be written.
    void flush(moment now);

  private:
    struct writer {
        std::string unwritten; ///< a line without an end, or more if it is held back
        bool held = false;     ///< `unwritten` is held back and may have whole lines
        bool ended = false;
    };

    bool is_shared() const { return writers_.size() > 1; }
    bool is_held_from(writer_id id, moment now);
    void hold(writer_id id, std::string_view text);
    void release(moment now);
    void release(writer_id id, moment now);
    void write_unwritten(writer_id id, moment now);
    bool ends_mid_line() const;
    bool text_ends_mid_line() const;
    std::optional<std::uint64_t> limit(moment now) const;
    bool is_due(moment now) const;

    void open(moment now);
    void look(moment now);
    void begin_turn(writer_id id, moment now);
    void begin_taking(moment now);
    std::size_t take_blindly(writer_id from, int pipe, std::size_t size, moment now);
    void take_text(writer_id from, std::string_view text, moment now);
    void take_lines(writer_id from, std::string_view text, moment now);
    void add(std::string_view text, moment now);
    std::size_t put(std::string_view text, moment now);
    std::size_t next_part(std::string_view text, moment now) const;
    void wrote(std::size_t size);
    void keep(std::string_view text);
    void try_again(moment now);

    void rotate(moment now);
    os::result<void> move_away(const os::guarded_directory& directory);
    os::result<void> renumber_backups(const os::guarded_directory& directory);
    os::result<void> stamp_backup(const os::guarded_directory& directory,
                                  const config::time_rotation& rule);
    void remove_surplus(const os::guarded_directory& directory, const config::time_rotation& rule);
    void count_error(const os::os_error& why, std::string_view consequence);
    void fail(const os::os_error& why, moment now);
    void recover();

    config::log_spec spec_;
    std::vector<note> notes_;
    std::optional<os::output_file> file_;
    std::uint64_t device_ = 0;
    std::uint64_t size_ = 0;
    wall_time began_{};
    mutable std::optional<bool> mid_line_; ///< the file ends within a line; nothing: not known
    writer_id last_writer_ = 0;
    std::map<writer_id, writer> writers_;
    bool any_held_ = false; ///< one of them is
    std::string pending_;
    std::size_t pending_limit_ = output::pending_limit(1);
    bool cut_ = false; ///< the beginning of pending_ was dropped
    bool failing_ = false;
    core::time_point retry_at_{};
    core::time_point rotate_again_at_{}; ///< the earliest time after a failed rotation
    core::time_point looked_at_{};
    bool splices_ = true; ///< the file system supports splice(2)
    std::string told_;    ///< the error that was reported last
    std::optional<core::time_point> held_since_;
    std::uint64_t dropped_before_ = 0; ///< count_.dropped when it began to fail
    model::log_counters count_;
};

} // namespace einhyrningsins::output
