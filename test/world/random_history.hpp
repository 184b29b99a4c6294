// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "world/faults.hpp"
#include "world/world.hpp"

#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <vector>

namespace einhyrningsins::world {

/// A history that is determined by a number: how the master is called, what its workers do, and
/// what operators and strangers do. It ends with a machine at rest, and then without a master.
class random_history {
  public:
    /// `with_faults`: system calls fail in between.
    random_history(std::uint64_t seed, bool with_faults);

    /// Runs it. Returns what is wrong, a line each, and if something is, the master's log.
    std::string run();

  private:
    bool chance(unsigned percent) { return number(0, 99) < percent; }
    unsigned number(unsigned least, unsigned most) {
        return std::uniform_int_distribution<unsigned>(least, most)(random_);
    }
    instant some_time();
    const char* one_of(std::span<const char* const> all) {
        return all[number(0, static_cast<unsigned>(all.size()) - 1)];
    }

    std::vector<std::string> words();
    void write_file();
    worker_plan plan(const process& of);
    story live();
    void act();
    void ask();
    void start_again();
    void strike();
    void be_strange();
    bool has_answers() const;

    std::mt19937_64 random_;
    world world_;
    bool has_file_ = false; ///< the groups are in a file
    std::string first_file_;
    bool is_calm_ = true; ///< workers behave well
    std::vector<client*> clients_;
    faults faults_;
    bool with_faults_;
};

} // namespace einhyrningsins::world
