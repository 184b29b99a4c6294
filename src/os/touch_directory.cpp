// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/touch_directory.hpp"

#include "config/number.hpp"
#include "os/unique_fd.hpp"

#include <filesystem>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace einhyrningsins::os {
namespace {

/// Workers of other users reach their own file, and see no other.
constexpr mode_t passable = 0711;

bool is_ours(const std::string& path) {
    struct stat facts {};
    return ::lstat(path.c_str(), &facts) == 0 && S_ISDIR(facts.st_mode) &&
           facts.st_uid == ::geteuid();
}

} // namespace

result<touch_directory> touch_directory::make(const std::string& parent) {
    std::string path = parent + "/einhyrningsins-XXXXXX";
    if (!::mkdtemp(path.data()) || ::chmod(path.c_str(), passable) != 0)
        return last_error("directory of watch files in " + parent);
    return touch_directory(std::move(path));
}

touch_directory::touch_directory(touch_directory&& other) noexcept
    : path_(std::exchange(other.path_, {})) {}

touch_directory::~touch_directory() {
    if (path_.empty() || !is_ours(path_)) return;
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored); // follows no links
}

result<void> touch_directory::prepare(unsigned index, const std::optional<identity>& who,
                                      bool& made_again) const {
    made_again = ::mkdir(path_.c_str(), passable) == 0;
    if (made_again) ::chmod(path_.c_str(), passable); // whatever the umask
    if (!is_ours(path_)) return os_error{"watch file: " + path_, ENOTDIR};
    std::string path = path_ + "/" + std::to_string(index);
    ::unlink(path.c_str());
    unique_fd file(
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file) return last_error("watch file " + path);
    if (who && ::fchown(file.get(), who->user, who->group) != 0)
        return last_error("watch file " + path);
    return {};
}

std::optional<unsigned> touch_directory::index_of(const std::string& name) {
    auto number = config::parse_number(name, 0, UINT32_MAX);
    if (!number) return std::nullopt;
    return static_cast<unsigned>(*number);
}

} // namespace einhyrningsins::os
