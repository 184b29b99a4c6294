// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/report.hpp"
#include "master/control_connection.hpp"
#include "master/group_runner.hpp"
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
    static void begin(std::shared_ptr<control_connection> client, const boost::json::value& id,
                      protocol::dialect form, const std::vector<group_runner*>& groups);

    upgrade_watch(std::shared_ptr<control_connection> client, const boost::json::value& id,
                  protocol::dialect form, std::size_t groups);

  private:
    /// Returns whether there is more to hear of that group.
    bool hear(const std::string& group, const core::report& what);
    void tell_progress(const std::string& group, const core::report& what);
    bool wants(const core::report& what) const;
    std::string prefix(const std::string& group) const;
    std::string text(const std::string& group, const core::report& what) const;
    bool end(bool well, const std::string& text);

    std::shared_ptr<control_connection> client_;
    std::shared_ptr<void> hold_;
    boost::json::value id_;
    protocol::dialect form_;
    std::size_t outstanding_;
    bool many_; ///< groups, so that their names are worth telling
    bool ok_ = true;
    std::string outcome_;
};

} // namespace einhyrningsins::master
