// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "simulation/invariants.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <random>
#include <string>
#include <string_view>

namespace einhyrningsins::simulation {

/// The histories of a machine are words: each letter is something that happens, see the alphabet of
/// each world. A World has
///     static constexpr std::string_view alphabet;
///     void step(char letter);   // throws violation
///     void end();               // everything comes to its end: who still waits?

inline void require(bool holds, const char* invariant, const std::string& detail = {}) {
    if (!holds) throw violation(invariant, detail);
}

/// What a history has broken; nothing: it is as it should be.
template <class World>
std::optional<std::string> broken_by(std::string_view history) {
    World world;
    try {
        for (char letter : history)
            world.step(letter);
        world.end();
    } catch (const violation& broken) {
        return broken.what();
    }
    return std::nullopt;
}

/// Leaves out what is not needed to break it, and reports the rest.
template <class World>
void explain(std::string history) {
    for (std::size_t place = 0; place < history.size();) {
        std::string shorter = history;
        shorter.erase(place, 1);
        if (broken_by<World>(shorter))
            history = shorter, place = 0;
        else
            ++place;
    }
    BOOST_ERROR("the history \"" << history << "\" breaks " << *broken_by<World>(history));
}

/// Returns whether the history keeps all promises.
template <class World>
bool holds(const std::string& history) {
    if (!broken_by<World>(history)) return true;
    explain<World>(history);
    return false;
}

/// All words of that length, and with them all shorter ones; under the sanitizers, which take
/// thirty times as long, of one letter less.
template <class World>
void live_all_histories(unsigned length, std::string_view alphabet = World::alphabet) {
#ifdef __SANITIZE_ADDRESS__
    --length;
#endif
    std::string word(length, alphabet[0]);
    std::string digits(length, 0);
    for (;;) {
        if (!holds<World>(word)) return;
        std::size_t place = 0;
        while (place < length && ++digits[place] == static_cast<char>(alphabet.size()))
            digits[place] = 0, word[place] = alphabet[0], ++place;
        if (place == length) return;
        word[place] = alphabet[static_cast<std::size_t>(digits[place])];
    }
}

/// Long words of random letters. EINHYRNINGSINS_HISTORIES=n sets their number.
template <class World>
void live_random_histories() {
    const char* given = std::getenv("EINHYRNINGSINS_HISTORIES");
    std::uint64_t count = given ? std::strtoull(given, nullptr, 10) : 100'000;
    std::mt19937_64 random(1);
    for (; count > 0; --count) {
        std::string word(1 + random() % 60, ' ');
        std::ranges::generate(word,
                              [&] { return World::alphabet[random() % World::alphabet.size()]; });
        if (!holds<World>(word)) return;
    }
}

} // namespace einhyrningsins::simulation
