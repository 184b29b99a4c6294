// SPDX-License-Identifier: GPL-3.0-or-later
#include "ctl/history.hpp"

#include <cstdio> // readline's header needs it before

#include <fcntl.h>
#include <readline/history.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <vector>

namespace einhyrningsins::ctl {
namespace {

constexpr std::size_t most_lines = 1000; ///< the file is cut to as many when it has twice as many

/// Empty if there is no place for it.
std::string path_of_file() {
    if (const char* state = std::getenv("XDG_STATE_HOME"); state && *state == '/') {
        std::string directory = std::string(state) + "/einhyrningsins";
        mkdir(state, 0700);
        mkdir(directory.c_str(), 0700);
        return directory + "/history";
    }
    const char* home = std::getenv("HOME");
    return home && *home == '/' ? std::string(home) + "/.einhyrningsinsctl_history" : "";
}

int open_file() {
    std::string path = path_of_file();
    if (path.empty()) return -1;
    int file =
        open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    struct stat what = {};
    if (file < 0 || (fstat(file, &what) == 0 && S_ISREG(what.st_mode) && what.st_uid == geteuid()))
        return file;
    close(file);
    return -1;
}

std::vector<std::string> read_lines(int file) {
    std::vector<std::string> lines(1);
    char piece[4096];
    for (ssize_t size; (size = read(file, piece, sizeof piece)) > 0;)
        for (ssize_t i = 0; i < size; ++i)
            if (piece[i] == '\n')
                lines.emplace_back();
            else
                lines.back() += piece[i];
    lines.pop_back(); // what has no newline was cut off
    return lines;
}

void write_line(int file, const std::string& line) {
    std::string text = line + "\n";
    // In one piece, at the end (O_APPEND). A history that cannot be written is no reason to stop.
    [[maybe_unused]] ssize_t written = write(file, text.data(), text.size());
}

} // namespace

history::history() : file_(open_file()) {
    using_history();
    stifle_history(static_cast<int>(most_lines));
    if (file_ < 0) return;
    fchmod(file_, 0600);
    std::vector<std::string> lines = read_lines(file_);
    bool too_many = lines.size() > 2 * most_lines && ftruncate(file_, 0) == 0;
    if (lines.size() > most_lines) lines.erase(lines.begin(), lines.end() - most_lines);
    for (const std::string& line : lines) {
        add_history(line.c_str());
        if (too_many) write_line(file_, line);
    }
    if (!lines.empty()) last_ = lines.back();
}

history::~history() {
    if (file_ >= 0) close(file_);
}

void history::add(const std::string& line) {
    if (line.empty() || line[0] == ' ' || line == last_) return;
    last_ = line;
    add_history(line.c_str());
    if (file_ >= 0) write_line(file_, line);
}

} // namespace einhyrningsins::ctl
