// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/beginning.hpp"

#include "os/log_descriptor.hpp"
#include "os/own_process.hpp"

#include <chrono>
#include <exception>
#include <string>

namespace einhyrningsins::master {

void insist(beginning kind, const std::function<void()>& deed) {
    constexpr auto pause = std::chrono::milliseconds(50);
    for (bool reported = false;; reported = true) {
        try {
            return deed();
        } catch (const std::exception& why) {
            if (kind == beginning::cold) throw;
            if (!reported)
                os::log_descriptor().write_some(std::string("einhyrningsins: ") + why.what() +
                                                "; trying again until it works\n");
        }
        os::sleep(pause);
    }
}

} // namespace einhyrningsins::master
