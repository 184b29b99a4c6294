// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/commands/audience.hpp"

#include "os/credentials.hpp"

namespace einhyrningsins::master {

void tell(const audience& who, const protocol::reply& what) {
    who.client.send(who.spoken.to_line(what, who.id, os::own_process()));
    if (!what.wait && who.spoken.is_for_one_request()) who.client.close();
}

} // namespace einhyrningsins::master
