// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/group/live_check.hpp"

#include <utility>

namespace einhyrningsins::master {
namespace {

/// Whatever a worker does to its file is a sign of life.
constexpr auto any_touch = os::change::content | os::change::closed | os::change::attributes |
                           os::change::arrivals | os::change::departures;

} // namespace

os::result<std::unique_ptr<live_check>>
live_check::begin(path_watcher& paths, const std::string& parent, handler touched) {
    auto files = os::touch_directory::make(parent);
    if (!files) return files.error();
    std::unique_ptr<live_check> made(new live_check(paths, std::move(*files), std::move(touched)));
    if (auto watched = made->watch(); !watched) return watched.error();
    return made;
}

os::result<std::unique_ptr<live_check>>
live_check::take_over(path_watcher& paths, const std::string& directory, handler touched) {
    std::unique_ptr<live_check> made(
        new live_check(paths, os::touch_directory::adopt(directory), std::move(touched)));
    if (auto watched = made->watch(); !watched) return watched.error();
    return made;
}

live_check::live_check(path_watcher& paths, os::touch_directory files, handler touched)
    : paths_(paths),
      files_(std::move(files)),
      touched_(std::move(touched)) {}

os::result<void> live_check::watch() {
    auto watched = paths_.watch(files_.path(), any_touch,
                                [this](const os::inotify::news& what) { hear(what); });
    if (!watched) return watched.error();
    watch_ = std::move(*watched);
    return {};
}

/// News that were lost are no sign of life: a worker that is well gives another one in time.
void live_check::hear(const os::inotify::news& what) const {
    if (auto index = os::touch_directory::index_of(what.name)) touched_(*index);
}

std::string live_check::entry(const std::string& variable_prefix) const {
    return (variable_prefix.empty() ? "EINHYRNINGSINS" : variable_prefix) +
           "_WATCH_FILE=" + directory() + "/";
}

os::result<void> live_check::prepare(unsigned index, const std::optional<os::identity>& who) {
    bool made_again = false;
    auto prepared = files_.prepare(index, who, made_again);
    if (made_again)
        if (auto watched = watch(); !watched) return watched.error();
    return prepared;
}

} // namespace einhyrningsins::master
