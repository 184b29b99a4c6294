// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "master/group/group_runner.hpp"

#include <string>
#include <vector>

namespace einhyrningsins::master {

class master;

/// What `state` answers in einhorn's dialect: a document of YAML that Ruby loads into the hashes
/// that einhorn keeps, symbols, sets and times included. `:state` is the first of `groups`; of
/// several, `:groups` has each by its name.
std::string einhorn_state(const master& everything, const std::vector<group_runner*>& groups);

} // namespace einhyrningsins::master
