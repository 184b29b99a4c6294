// SPDX-License-Identifier: GPL-3.0-or-later

/// What most tests include, compiled once for the debug variant.

#include "../src/precompiled.hpp"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
