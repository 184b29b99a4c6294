// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/group/report_observers.hpp"

#include "master/logging.hpp"

#include <utility>

namespace einhyrningsins::master {

void report_observers::add(observer hear) { entries_.push_back({std::move(hear)}); }

/// An observer is destroyed when the outermost call is through: until then a call of it may not
/// have returned. Its destructor may add another one.
void report_observers::tell(std::string_view group, const core::report& report) {
    ++telling_;
    auto place = entries_.begin();
    for (std::size_t count = entries_.size(); count > 0; --count, ++place)
        attempt(group, [&] {
            if (!place->has_ended && !place->hear(report)) place->has_ended = true;
        });
    if (--telling_ > 0) return;
    std::list<entry> ended;
    for (auto next = entries_.begin(); next != entries_.end();)
        if (auto current = next++; current->has_ended) ended.splice(ended.end(), entries_, current);
}

} // namespace einhyrningsins::master
