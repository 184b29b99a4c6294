// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/nearest.hpp"

#include <algorithm>
#include <cctype>
#include <numeric>
#include <utility>

namespace einhyrningsins::core {
namespace {

bool same_letter(char a, char b) {
    return std::tolower(static_cast<unsigned char>(a)) ==
           std::tolower(static_cast<unsigned char>(b));
}

/// Levenshtein's distance, row by row.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < a.size(); ++i) {
        std::size_t diagonal = std::exchange(row[0], i + 1);
        for (std::size_t j = 0; j < b.size(); ++j) {
            std::size_t changed = diagonal + (same_letter(a[i], b[j]) ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = std::min({changed, row[j] + 1, row[j + 1] + 1});
        }
    }
    return row.back();
}

} // namespace

std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates) {
    if (word.empty() || word.size() > 64) return "";
    const std::string* best = nullptr;
    std::size_t least = 1 + std::max<std::size_t>(1, word.size() / 3);
    for (const std::string& one : candidates) {
        std::size_t steps = distance(word, one);
        if (steps >= least) continue;
        least = steps;
        best = &one;
    }
    return best ? " (did you mean '" + *best + "'?)" : "";
}

} // namespace einhyrningsins::core
