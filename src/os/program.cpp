// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/program.hpp"

#include "os/working_directory.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace einhyrningsins::os {
namespace {

result<std::string> found(const std::string& path) { return {boost::system::in_place_value, path}; }

bool is_executable_file(int directory, const char* path) {
    struct stat facts {};
    if (::fstatat(directory, path, &facts, 0) != 0) return false;
    if (!S_ISREG(facts.st_mode)) {
        errno = S_ISDIR(facts.st_mode) ? EISDIR : EACCES;
        return false;
    }
    return may_execute(directory, path);
}

} // namespace

/// The C library uses faccessat2(2), which exists since Linux 5.8. If a seccomp profile denies it
/// (EPERM), the older call is used. That checks the real user, which is the effective one unless
/// the program is set-user-ID.
bool may_execute(int directory, const char* path) {
    if (::faccessat(directory, path, X_OK, AT_EACCESS) == 0) return true;
    return errno == EPERM && ::syscall(SYS_faccessat, directory, path, X_OK) == 0;
}

result<std::string> find_program(const std::string& name, std::string_view path, int directory) {
    int reason = ENOENT;
    if (name.find('/') != std::string::npos) {
        if (is_executable_file(directory, name.c_str())) return found(name);
        return last_error(name);
    }
    while (!name.empty()) {
        std::size_t end = path.find(':');
        std::string place(path.substr(0, end));
        std::string candidate = (place.empty() ? "." : place) + "/" + name;
        if (is_executable_file(directory, candidate.c_str())) return found(candidate);
        if (errno == EACCES) reason = EACCES; // like execvp(3), continue and report this later
        if (end == std::string_view::npos) break;
        path.remove_prefix(end + 1);
    }
    if (reason == EACCES) return os_error{name, EACCES};
    return os_error{name + ": no such program in PATH"};
}

result<std::string> find_program(const std::string& name, std::string_view path,
                                 const std::string& directory) {
    auto opened = open_directory(directory);
    if (!opened) return opened.error();
    return find_program(name, path, (*opened)->get());
}

} // namespace einhyrningsins::os
