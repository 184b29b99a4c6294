// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "master/view.hpp"

#include <boost/json/value.hpp>

namespace einhyrningsins::master {

/// The `data` of `status` (SPEC section 8).
boost::json::value status_data(const master_view& view);

/// The `data` of `state`: the same with tables and settings as they are, for those who look for the
/// reason of something.
boost::json::value state_data(const master_view& view);

} // namespace einhyrningsins::master
