// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/log_output.hpp"

#include <utility>

namespace einhyrningsins::master {
namespace {

constexpr std::size_t most_kept = 64 * 1024;

} // namespace

log_output::log_output(boost::asio::io_context& context) : writable_(context) {}

void log_output::write(std::string_view line) {
    if (!kept_.empty()) {
        if (kept_.size() + line.size() > most_kept)
            ++dropped_;
        else
            kept_ += line;
        return;
    }
    ssize_t written = descriptor_.write_some(line);
    if (written == static_cast<ssize_t>(line.size())) return;
    if (written < 0 && written != -EAGAIN)
        return; // closed, or a full disk: there is nobody to tell
    kept_ = line.substr(written < 0 ? 0 : static_cast<std::size_t>(written));
    wait_until_writable();
}

void log_output::wait_until_writable() {
    if (!writable_.is_open()) {
        auto watch = descriptor_.watch_writable();
        if (!watch) return kept_.clear(); // out of descriptors: what is kept would never leave
        writable_.assign(watch->release());
    }
    writable_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                         [this](const boost::system::error_code& error) {
                             if (!error) write_kept();
                         });
}

void log_output::write_kept() {
    ssize_t written = descriptor_.write_some(kept_);
    if (written == -EAGAIN) return wait_until_writable();
    kept_.erase(0, written < 0 ? kept_.size() : static_cast<std::size_t>(written));
    if (!kept_.empty()) return wait_until_writable();
    writable_.close();
    if (std::size_t lost = std::exchange(dropped_, 0); lost > 0 && recovered_) recovered_(lost);
}

} // namespace einhyrningsins::master
