// SPDX-License-Identifier: GPL-3.0-or-later
//
// assert() that is on in every build, in release too: a broken invariant ends the master at once,
// with file and line, before it can act on what is wrong. It is included in place of <cassert>.
// There is no include guard, as in <cassert>.
#undef NDEBUG
#include <cassert>
