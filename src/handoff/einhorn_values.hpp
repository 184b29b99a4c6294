// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/time.hpp"
#include "handoff/yaml_document.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace einhyrningsins::handoff {

/// Reads values from the YAML in which einhorn (Ruby) hands over its state. Any value is possible
/// there, as einhorn's command `config` sets any key to anything. So nothing here is an error: if a
/// value has no meaning, the default is returned and a line is added to remarks().
class einhorn_values {
  public:
    using node = yaml_node;
    using words = std::vector<std::string>;

    /// The value of a symbol key (":key"); a null node: there is none.
    static node get(const node& from, std::string_view key);

    /// The same if it is a list or a map, respectively; otherwise a null node.
    node list(const node& from, std::string_view key);
    node map(const node& from, std::string_view key);

    bool flag(const node& from, std::string_view key);
    /// A whole number from `least` to `most`; `otherwise` if there is none or it has no meaning.
    std::int64_t number(const node& from, std::string_view key, std::int64_t least,
                        std::int64_t most, std::int64_t otherwise);
    /// The same; nothing: there is none or it has no meaning.
    std::optional<std::int64_t> optional_number(const node& from, std::string_view key,
                                                std::int64_t least, std::int64_t most);
    /// A number of seconds from 0 to 10000000, which may have a fraction.
    std::optional<core::duration> seconds(const node& from, std::string_view key);
    std::string text(const node& from, std::string_view key);
    words texts(const node& from, std::string_view key);
    /// A time as Ruby writes it: "2026-11-21 09:10:30.457086540 +01:00".
    static std::optional<std::chrono::system_clock::time_point> time(const node& from,
                                                                     std::string_view key);
    /// The members of a set, which Ruby writes as a hash or as an object with a hash.
    words set(const node& from, std::string_view key);

    void remark(std::string text) { remarks_.push_back(std::move(text)); }
    const std::vector<std::string>& remarks() const { return remarks_; }

  private:
    void remark_default(std::string_view key, const node& value);

    std::vector<std::string> remarks_;
};

} // namespace einhyrningsins::handoff
