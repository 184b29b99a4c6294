// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/report.hpp"
#include "master/control/control_connection.hpp"
#include "master/group/group_runner.hpp"
#include "protocol/dialect.hpp"

#include <boost/json/value.hpp>

#include <memory>
#include <string>
#include <vector>

namespace einhyrningsins::master {

/// Reports the progress of an upgrade of some groups to a client, and in the last line how it ended
/// (SPEC 7.4): after the last group has finished, and as a failure if one has failed. The groups
/// that it observes own it.
class upgrade_watch : public std::enable_shared_from_this<upgrade_watch> {
  public:
    /// `from`: who waits for what; for a new one see first_watch(). `groups` are those of its
    /// groups that exist. The client is told at once about the others.
    static std::shared_ptr<upgrade_watch> begin(std::shared_ptr<control_connection> client,
                                                handoff::watch from,
                                                const std::vector<group_runner*>& groups);
    /// What another master needs to go on with it; nothing if nobody waits any more.
    std::optional<handoff::watch> hand_over() const;

    upgrade_watch(std::shared_ptr<control_connection> client, handoff::watch from);

  private:
    class subscription;

    void observe(const std::vector<group_runner*>& groups);
    /// Returns whether that group is to be observed further.
    bool hear(const std::string& group, const core::report& what);
    bool hear_preparation(const std::string& group, const core::report& what);
    /// Whether the upgrade of that group is still being prepared: one that ends, or fails, now is
    /// another one. See report_of::upgrade_prepared.
    bool is_held(const std::string& group) const;
    void tell_progress(const std::string& group, const core::report& what);
    void tell(const protocol::reply& what);
    std::string prefix(const std::string& group) const;
    std::string text(const std::string& group, const core::report& what) const;
    bool end(const std::string& group, bool well, const std::string& text);
    void lose(const std::string& group);

    std::shared_ptr<control_connection> client_;
    std::shared_ptr<void> hold_;
    handoff::watch state_;
    protocol::reply_id id_;
    const protocol::dialect& spoken_;
};

/// The state of a watch that begins: request `id` of a client wants to hear how the upgrade of the
/// groups `names` goes.
handoff::watch first_watch(const boost::json::value& id, const protocol::dialect& spoken,
                           const std::vector<std::string>& names);

} // namespace einhyrningsins::master
