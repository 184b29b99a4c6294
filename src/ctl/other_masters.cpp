// SPDX-License-Identifier: GPL-3.0-or-later
#include "ctl/other_masters.hpp"

#include <algorithm>
#include <memory>
#include <string_view>
#include <vector>

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

namespace einhyrningsins::ctl {
namespace {

constexpr std::string_view beginning = "einhorn", end = ".sock";
constexpr std::size_t most = 5;

bool is_plain(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           c == '-' || c == '.';
}

bool is_own_socket(const std::string& path) {
    struct stat facts {};
    return ::lstat(path.c_str(), &facts) == 0 && S_ISSOCK(facts.st_mode) &&
           facts.st_uid == ::geteuid();
}

/// The NAME of "einhorn-NAME.sock"; empty: it is not called so.
std::string_view name_in(std::string_view file) {
    if (!file.starts_with(beginning) || !file.ends_with(end)) return {};
    file.remove_prefix(beginning.size());
    file.remove_suffix(end.size());
    if (file.size() < 2 || file[0] != '-' || !std::ranges::all_of(file, is_plain)) return {};
    return file.substr(1);
}

} // namespace

std::string other_masters(const std::string& path) {
    std::size_t slash = path.rfind('/');
    std::string folder = slash == path.npos ? "./" : path.substr(0, slash + 1);
    std::string_view file = std::string_view(path).substr(slash == path.npos ? 0 : slash + 1);
    if (!file.starts_with(beginning) || !file.ends_with(end)) return {};
    std::unique_ptr<DIR, int (*)(DIR*)> open(::opendir(folder.c_str()), ::closedir);
    std::vector<std::string> names;
    while (const dirent* entry = open ? ::readdir(open.get()) : nullptr)
        if (auto name = name_in(entry->d_name);
            !name.empty() && entry->d_name != file && is_own_socket(folder + entry->d_name))
            names.emplace_back(name);
    std::ranges::sort(names);
    std::string all;
    for (std::size_t i = 0; i < std::min(names.size(), most); ++i)
        all += (i > 0 ? ", -c " : "-c ") + names[i];
    return all;
}

} // namespace einhyrningsins::ctl
