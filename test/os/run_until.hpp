// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <boost/asio/io_context.hpp>

#include <chrono>

namespace os_test {

/// Runs the loop until `holds` returns true, or for 20 s. Returns what it said last.
template <class Predicate>
bool run_until(boost::asio::io_context& context, Predicate holds) {
    auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!holds() && std::chrono::steady_clock::now() < deadline) {
        context.restart();
        context.run_one_for(std::chrono::milliseconds(20));
    }
    return holds();
}

} // namespace os_test
