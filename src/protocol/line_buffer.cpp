// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/line_buffer.hpp"

#include <algorithm>

namespace einhyrningsins::protocol {

void line_buffer::append(std::string_view piece) {
    text_.erase(0, taken_);
    searched_ -= taken_;
    taken_ = 0;
    if (text_.empty() && text_.capacity() > 4096) text_.shrink_to_fit();
    text_ += piece;
}

std::optional<std::string_view> line_buffer::next() {
    std::size_t end = text_.find('\n', searched_);
    if (end == std::string::npos) {
        searched_ = text_.size();
        if (taken_ == text_.size()) {
            text_ = {};
            taken_ = searched_ = 0;
        }
        return std::nullopt;
    }
    if (end - taken_ >= longest_line) return std::nullopt;
    std::string_view line(text_.data() + taken_, end - taken_);
    taken_ = searched_ = end + 1;
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
}

bool line_buffer::overflowed() const {
    std::size_t end = std::min(text_.find('\n', searched_), text_.size());
    return end - taken_ >= longest_line;
}

} // namespace einhyrningsins::protocol
