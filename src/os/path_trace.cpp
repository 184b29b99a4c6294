// SPDX-License-Identifier: GPL-3.0-or-later
#include "os/path_trace.hpp"

#include "os/program.hpp"

#include <climits>
#include <deque>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace einhyrningsins::os {
namespace {

using kind_type = path_trace::kind_type;

/// The limit of the kernel, see path_resolution(7).
constexpr int most_links = 40;

std::deque<std::string> split(const std::string& path) {
    std::deque<std::string> names;
    for (std::size_t at = 0, end; at < path.size(); at = end + 1) {
        end = std::min(path.find('/', at), path.size());
        if (end > at) names.push_back(path.substr(at, end - at));
    }
    return names;
}

kind_type kind_of(const struct stat& facts) {
    if (S_ISDIR(facts.st_mode)) return kind_type::directory;
    return S_ISLNK(facts.st_mode) ? kind_type::link : kind_type::file;
}

std::string target_of(const std::string& link) {
    std::string target(PATH_MAX, '\0');
    ssize_t size = ::readlink(link.c_str(), target.data(), target.size());
    target.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return target;
}

class tracer {
  public:
    explicit tracer(const std::string& path) : left_(split(path)) { note("/"); }

    path_trace follow() {
        while (!left_.empty()) {
            std::string name = std::move(left_.front());
            left_.pop_front();
            if (name == ".") continue;
            if (name == "..")
                place_.erase(place_.rfind('/') == std::string::npos ? 0 : place_.rfind('/'));
            else if (!enter(name))
                break;
        }
        return std::move(trace_);
    }

  private:
    kind_type note(const std::string& path) {
        struct stat facts {};
        if (::lstat(path.c_str(), &facts) != 0) {
            trace_.steps.push_back({path, kind_type::missing, 0, 0});
            return kind_type::missing;
        }
        trace_.steps.push_back({path, kind_of(facts), facts.st_dev, facts.st_ino});
        bool last = left_.empty() && S_ISREG(facts.st_mode);
        if (last && may_execute(AT_FDCWD, path.c_str()))
            trace_.version =
                file_version{facts.st_dev, facts.st_ino, static_cast<std::uint64_t>(facts.st_size),
                             facts.st_mtim.tv_sec * 1'000'000'000 + facts.st_mtim.tv_nsec};
        return trace_.steps.back().kind;
    }

    /// Returns whether the path can be followed further.
    bool enter(const std::string& name) {
        std::string path = place_ + "/" + name;
        switch (note(path)) {
        case kind_type::directory: place_ = path; return true;
        case kind_type::link: return redirect(target_of(path));
        case kind_type::file:
        case kind_type::missing: break;
        }
        return false;
    }

    bool redirect(const std::string& target) {
        if (target.empty() || ++links_ > most_links) return false;
        if (target[0] == '/') place_.clear();
        auto names = split(target);
        left_.insert(left_.begin(), names.begin(), names.end());
        return true;
    }

    std::deque<std::string> left_;
    std::string place_; ///< the current directory; empty: "/"
    int links_ = 0;
    path_trace trace_;
};

} // namespace

path_trace trace_path(const std::string& path) { return tracer(path).follow(); }

} // namespace einhyrningsins::os
