// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "master/view.hpp"

#include <string>

namespace einhyrningsins::master {

/// The answer to `state` in einhorn's language: a document of YAML that Ruby loads into the hashes
/// that einhorn keeps, symbols, sets and times included. `:state` is the first of the groups, of
/// which there has to be one; of several, `:groups` has each by its name.
std::string einhorn_state(const master_view& view);

} // namespace einhyrningsins::master
