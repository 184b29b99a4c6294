// SPDX-License-Identifier: GPL-3.0-or-later
#include "world/kernel/file.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include <sys/signalfd.h>

namespace einhyrningsins::world {
namespace {

ssize_t give(std::uint64_t value, std::span<char> into) {
    if (into.size() < sizeof value) return -EINVAL;
    std::memcpy(into.data(), &value, sizeof value);
    return sizeof value;
}

} // namespace

pipe_end::pipe_end(std::shared_ptr<channel> through, bool writes)
    : through_(std::move(through)),
      writes_(writes) {
    through_->open(writes_);
}

pipe_end::~pipe_end() { through_->close(writes_); }

ssize_t event_counter::read(std::span<char> into) {
    return count_ ? give(std::exchange(count_, 0), into) : -EAGAIN;
}

ssize_t event_counter::write(std::string_view text) {
    std::uint64_t more;
    if (text.size() != sizeof more) return -EINVAL;
    std::memcpy(&more, text.data(), sizeof more);
    count_ += more;
    ++writes_;
    return sizeof more;
}

ssize_t timer_file::read(std::span<char> into) {
    if (!is_due()) return -EAGAIN;
    due_ = {};
    return give(1, into);
}

int signal_file::next() const {
    for (int number : of_->numbers)
        if (wanted_.contains(number)) return number;
    return 0;
}

ssize_t signal_file::read(std::span<char> into) {
    std::size_t size = 0;
    while (int number = next()) {
        signalfd_siginfo about{};
        if (into.size() < size + sizeof about) break;
        of_->numbers.erase(number);
        about.ssi_signo = static_cast<std::uint32_t>(number);
        std::memcpy(into.data() + size, &about, sizeof about);
        size += sizeof about;
    }
    return size > 0 ? static_cast<ssize_t>(size) : -EAGAIN;
}

} // namespace einhyrningsins::world
