// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/time.hpp"
#include "master/group/group_context.hpp"
#include "master/group/group_part.hpp"
#include "os/touch_directory.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace einhyrningsins::master {

/// The files that the workers of a group touch as signs of life (SPEC 6, live_check_timeout). A
/// file is looked at only when its worker is due to be judged: signs of life wake nobody, and none
/// can get lost, however many there are and however long the master was held up.
class live_check : public group_part {
  public:
    live_check(const group_context& of, const handoff::group& from);

    /// Makes a directory of its own for the files, when the settings first ask for it. If that is
    /// not possible, the group does without signs of life until its settings change.
    void open() override;
    /// Makes the file of the worker.
    os::result<void> prepare_worker(unsigned index, uid_t user) override;
    void hand_over(handoff::group& into) const override;

    /// What a worker finds its file by, for os::spawn_recipe::indexed_entry; empty: the settings do
    /// not ask for signs of life.
    std::string entry() const;

    /// A worker has shown that it lives.
    struct sign {
        core::worker_id worker;
        core::time_point at;
    };
    /// The signs of life of those workers that would be killed at `now` without one, see
    /// core::live_deadline.
    std::vector<sign> signs(core::time_point now);

  private:
    /// What a file was like when it was looked at.
    struct look {
        os::touch_directory::touch what;
        core::time_point at;
    };

    std::optional<core::time_point> last_sign(const core::worker& worker);
    void make_again(const core::worker& worker);

    const group_context& of_;
    std::optional<os::touch_directory> files_;
    std::map<unsigned, look> looks_; ///< the last one at each file, by index
    bool complained_ = false;        ///< it was logged that files cannot be made again
};

} // namespace einhyrningsins::master
