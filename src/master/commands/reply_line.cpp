// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/commands/reply_line.hpp"

#include "os/credentials.hpp"
#include "protocol/firestarter.hpp"

#include <boost/json/serialize.hpp>

namespace einhyrningsins::master {

std::string reply_line(const protocol::reply& what, const std::optional<boost::json::value>& id,
                       protocol::dialect form) {
    if (form != protocol::dialect::firestarter) return protocol::to_line(what, id, form);
    return boost::json::serialize(protocol::firestarter::entry(what, id, os::own_process())) + "\n";
}

} // namespace einhyrningsins::master
