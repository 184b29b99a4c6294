// SPDX-License-Identifier: GPL-3.0-or-later
#include "config/reload_words.hpp"

#include "config/einhorn_command_line.hpp"
#include "config/firestarter_command_line.hpp"

#include <algorithm>
#include <string_view>

namespace einhyrningsins::config {
namespace {

constexpr std::string_view check_word = "--upgrade-check", state_word = "--with-state-fd";

std::span<const option> options_of(personality name) {
    switch (name) {
    case personality::einhyrningsins: return options();
    case personality::einhorn: return einhorn_options();
    case personality::firestarter: return firestarter_options();
    }
    return {};
}

/// Whether the value of the long option `name` is the next word. The name may be abbreviated; an
/// ambiguous abbreviation is not an option.
bool long_takes_next(std::span<const option> known, std::string_view name) {
    auto exact = std::ranges::find(known, name, &option::name);
    if (exact != known.end()) return exact->argument;
    auto begins_so = [&](const option& one) {
        return std::string_view(one.name).starts_with(name);
    };
    return std::ranges::count_if(known, begins_so) == 1 &&
           std::ranges::find_if(known, begins_so)->argument;
}

/// Whether the value of the last of several short options is the next word: "-vn 4", not "-vn4".
bool short_takes_next(std::span<const option> known, std::string_view letters) {
    for (std::size_t place = 0; place < letters.size(); ++place) {
        auto found = std::ranges::find(known, letters[place], &option::letter);
        if (found != known.end() && found->argument) return place + 1 == letters.size();
    }
    return false;
}

bool takes_next(std::span<const option> known, std::string_view word) {
    if (!word.starts_with("--")) return short_takes_next(known, word.substr(1));
    return word.find('=') == word.npos && long_takes_next(known, word.substr(2));
}

bool ends_options(std::string_view word) {
    return word == "--" || word.size() < 2 || word[0] != '-';
}

/// The value of --with-state-fd at `place`, which is advanced to the last word of it; nothing: it
/// is not that option.
std::optional<std::string> state_fd_at(const std::vector<std::string>& words, std::size_t& place) {
    std::string_view word = words[place];
    if (word == state_word) return ++place < words.size() ? words[place] : "";
    if (!word.starts_with(state_word) || word[state_word.size()] != '=') return std::nullopt;
    return std::string(word.substr(state_word.size() + 1));
}

} // namespace

reload_words find_reload_words(personality name, const std::vector<std::string>& words) {
    auto known = options_of(name);
    reload_words found{.rest = words};
    std::size_t place = name == personality::firestarter && !words.empty() && words[0] == "run";
    for (; place < words.size() && !ends_options(words[place]); ++place) {
        bool is_check = words[place] == check_word;
        auto fd = state_fd_at(words, place);
        if (!is_check && !fd) {
            place += takes_next(known, words[place]);
            continue;
        }
        found.check |= is_check;
        if (fd) found.state_fd = std::move(fd);
        found.rest.assign(words.begin() +
                              static_cast<std::ptrdiff_t>(std::min(place + 1, words.size())),
                          words.end());
    }
    return found;
}

} // namespace einhyrningsins::config
