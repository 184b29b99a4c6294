// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

/// For functions that run between clone(2) and execve(2), where memory may be shared with another
/// process whose sanitizers keep records of it.
#define NO_SANITIZER __attribute__((no_sanitize("address", "undefined")))
