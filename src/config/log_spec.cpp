// SPDX-License-Identifier: GPL-3.0-or-later
#include "config/log_spec.hpp"

#include "config/number.hpp"
#include "config/quote.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>

namespace einhyrningsins::config {
namespace {

constexpr std::size_t longest_text = 4200;
constexpr std::size_t longest_path = 4000; // the rest of PATH_MAX is for the suffixes of backups
constexpr std::size_t longest_name = 230;
constexpr std::int64_t most_bytes = std::int64_t(1) << 50;
constexpr std::int64_t most_backups = 1000;
constexpr std::int64_t most_units = 1'000'000;

using maybe_error = std::optional<std::string>;

/// Removes and returns the text before the next colon; nothing: there is no colon.
std::optional<std::string_view> next_word(std::string_view& rest) {
    std::size_t colon = rest.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    std::string_view word = rest.substr(0, colon);
    rest.remove_prefix(colon + 1);
    return word;
}

/// Removes and returns the number before the next colon.
std::optional<std::int64_t> next_number(std::string_view& rest, std::int64_t least,
                                        std::int64_t most) {
    auto word = next_word(rest);
    return word ? parse_number(*word, least, most) : std::nullopt;
}

maybe_error read_size(std::string_view& rest, log_spec& spec) {
    auto bytes = next_number(rest, 1, most_bytes);
    if (!bytes) return "BYTES must be a whole number from 1, as in size:10485760:5:PATH";
    spec.rotate = size_rotation{static_cast<std::uint64_t>(*bytes)};
    return std::nullopt;
}

std::optional<time_unit> unit_of(std::string_view word) {
    constexpr std::array words{"S", "M", "H", "D", "MIDNIGHT"};
    auto found = std::ranges::find(words, word);
    if (found == words.end()) return std::nullopt;
    return static_cast<time_unit>(found - words.begin());
}

maybe_error read_time(std::string_view& rest, log_spec& spec) {
    auto every = next_number(rest, 1, most_units);
    if (!every) return "N must be a whole number from 1 to 1000000, as in time:1:D:L:7:PATH";
    auto unit = unit_of(next_word(rest).value_or(""));
    if (!unit) return "the unit must be S, M, H, D or MIDNIGHT, as in time:1:D:L:7:PATH";
    std::string_view zone = next_word(rest).value_or("");
    if (zone != "U" && zone != "L")
        return "the zone must be U (UTC) or L (local time), as in time:1:D:L:7:PATH";
    spec.rotate = time_rotation{static_cast<unsigned>(*every), *unit, zone == "L"};
    return std::nullopt;
}

/// Whether `path` is in a directory of devices or kernel files, which cannot be logs.
bool is_of_the_system(std::string_view path) {
    std::string plain = std::filesystem::path(path).lexically_normal().string();
    bool memory = plain.starts_with("/dev/shm/");
    return !memory && (plain.starts_with("/dev/") || plain.starts_with("/proc/") ||
                       plain.starts_with("/sys/"));
}

maybe_error read_target(std::string_view& rest, log_spec& spec) {
    auto backups = next_number(rest, 0, most_backups);
    if (!backups) return "BACKUPS must be a whole number from 0 to 1000, with :PATH after it";
    spec.backups = static_cast<unsigned>(*backups);
    spec.path = rest;
    std::size_t slash = rest.rfind('/');
    std::string_view name = slash == std::string_view::npos ? rest : rest.substr(slash + 1);
    if (rest.find('\0') != std::string_view::npos) return "PATH must not contain a null character";
    if (name.empty() || name == "." || name == "..") return "PATH must name a file";
    if (rest.size() > longest_path || name.size() > longest_name) return "PATH is too long";
    if (is_of_the_system(rest))
        return "PATH must be a regular file that can be renamed; without this key the output goes "
               "where the master's goes, and cmd = \"sh -c 'exec PROGRAM >/dev/null'\" discards it";
    return std::nullopt;
}

maybe_error read(std::string_view rest, log_spec& spec) {
    if (rest.size() > longest_text) return "is too long";
    std::string_view kind = next_word(rest).value_or("");
    maybe_error error = kind == "size"   ? read_size(rest, spec)
                        : kind == "time" ? read_time(rest, spec)
                                         : "must be size:BYTES:BACKUPS:PATH or "
                                           "time:N:S|M|H|D|MIDNIGHT:U|L:BACKUPS:PATH";
    return error ? error : read_target(rest, spec);
}

} // namespace

boost::system::result<log_spec, text_error> parse_log_spec(std::string_view text) {
    log_spec spec;
    spec.text = text;
    if (auto error = read(text, spec)) return text_error{quote(text) + ": " + *error};
    return spec;
}

log_spec with_path(log_spec spec, const std::string& path) {
    spec.text.replace(spec.text.size() - spec.path.size(), std::string::npos, path);
    spec.path = path;
    return spec;
}

} // namespace einhyrningsins::config
