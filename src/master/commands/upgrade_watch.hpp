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

/// Tells a client how an upgrade of some groups goes, and in its last line how it ended (SPEC 7.4):
/// after the end of the last of them, and badly if one ended badly. Lives for as long as somebody
/// has something to tell.
class upgrade_watch : public std::enable_shared_from_this<upgrade_watch> {
  public:
    static std::shared_ptr<upgrade_watch> begin(std::shared_ptr<control_connection> client,
                                                const boost::json::value& id,
                                                protocol::dialect form,
                                                const std::vector<group_runner*>& groups);
    /// Goes on with one of another master; `groups` are those that it names.
    static std::shared_ptr<upgrade_watch> take_over(const handoff::watch& from,
                                                    std::shared_ptr<control_connection> client,
                                                    const std::vector<group_runner*>& groups);
    /// What another master needs to go on with it; nothing if nobody waits any more.
    std::optional<handoff::watch> hand_over() const;

    explicit upgrade_watch(std::shared_ptr<control_connection> client);

  private:
    void observe(const std::vector<group_runner*>& groups);
    /// Returns whether there is more to hear of that group.
    bool hear(const std::string& group, const core::report& what);
    bool hear_upgrader(const std::string& group, const core::report& what);
    bool is_held(const std::string& group) const;
    void tell_progress(const std::string& group, const core::report& what);
    bool wants(const core::report& what) const;
    std::string prefix(const std::string& group) const;
    std::string text(const std::string& group, const core::report& what) const;
    bool end(const std::string& group, bool well, const std::string& text);

    std::shared_ptr<control_connection> client_;
    std::shared_ptr<void> hold_;
    boost::json::value id_;
    protocol::dialect form_ = protocol::dialect::json;
    std::vector<std::string> outstanding_; ///< groups whose end is still to come
    /// Those of them whose upgrader has not let this upgrade begin: what ends now is another one.
    std::vector<std::string> held_;
    bool many_ = false; ///< groups, so that their names are worth telling
    bool ok_ = true;
    std::string outcome_;
};

} // namespace einhyrningsins::master
