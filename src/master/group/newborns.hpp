// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/action.hpp"
#include "core/time.hpp"
#include "master/group/preload.hpp"
#include "os/birth.hpp"
#include "os/reap.hpp"
#include "os/unique_fd.hpp"

#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>
#include <vector>

namespace einhyrningsins::master {

/// The children of one group that are on their way to their program as another user, see os::birth.
/// Nothing waits for them: that user's processes may stop them. One that has not reached its
/// program within its time is killed and counts as one that could not be started. None outlives the
/// master, as the next one might be an older program, which knows nothing of them.
class newborns {
  public:
    /// Hears what became of each.
    using answer = std::function<void(birth)>;

    newborns(boost::asio::io_context& context, answer tell);
    /// Kills all.
    ~newborns();
    newborns(const newborns&) = delete;
    newborns& operator=(const newborns&) = delete;

    /// Watches a child that is to be the worker of `wish` and has until `deadline` to execute its
    /// program. `control` is our end of its control socket (-g).
    void add(const core::action::spawn& wish, os::birth child, os::unique_fd control,
             core::time_point deadline);

    bool is_empty() const { return all_.empty(); }
    /// Takes the outcomes that are known by now.
    void hear();
    /// Whether a process is one of them.
    bool has(core::process_id pid) const;
    /// A child that is no known worker has died.
    void notice_death(const os::reaped& dead);
    /// Kills those that are not wanted any more and have not executed their program.
    void withdraw(const std::function<bool(const core::action::spawn&)>& unwanted);
    /// Kills those that have not executed their program, and answers for the others. Returns
    /// whether there were such.
    bool end();

  private:
    struct entry;

    std::vector<entry*> snapshot() const;
    bool hear(entry& one);
    void finish(entry& one, const os::result<void>& outcome);
    static void kill(entry& one, const os::os_error& why);

    boost::asio::io_context& context_;
    answer tell_;
    std::vector<std::unique_ptr<entry>> all_;
};

} // namespace einhyrningsins::master
