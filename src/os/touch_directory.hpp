// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "os/identity.hpp"
#include "os/os_error.hpp"

#include <optional>
#include <string>

namespace einhyrningsins::os {

/// A private directory with a file for each worker, which the worker touches as a sign of life.
/// Removed at its end, with the files.
class touch_directory {
  public:
    /// Makes one below `parent`, with a name that nobody else has.
    static result<touch_directory> make(const std::string& parent);
    /// Has it from another master.
    static touch_directory adopt(std::string path) { return touch_directory(std::move(path)); }

    touch_directory(touch_directory&& other) noexcept;
    touch_directory& operator=(touch_directory&&) = delete;
    ~touch_directory();

    const std::string& path() const { return path_; }

    /// Makes the file of the worker with that index, empty, which only `who` may write to (nothing:
    /// this process' user). Makes the directory again if somebody has removed it; `made_again` is
    /// then set.
    result<void> prepare(unsigned index, const std::optional<identity>& who,
                         bool& made_again) const;

    /// The index whose file has that name.
    static std::optional<unsigned> index_of(const std::string& name);

  private:
    explicit touch_directory(std::string path) : path_(std::move(path)) {}
    std::string path_; ///< empty: moved from
};

} // namespace einhyrningsins::os
