// SPDX-License-Identifier: GPL-3.0-or-later
#include "config/grammar.hpp"
#include "core/assert.hpp"

#include "config/quote.hpp"
#include "core/nearest.hpp"

#include <boost/program_options/errors.hpp>
#include <boost/program_options/options_description.hpp>
#include <boost/program_options/parsers.hpp>
#include <boost/program_options/value_semantic.hpp>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace einhyrningsins::config {
namespace {

namespace po = boost::program_options;
using words = std::vector<std::string>;

po::options_description description_of(std::span<const option> options) {
    po::options_description all;
    for (const option& one : options) {
        std::string names = one.name;
        if (one.letter) names += std::string(",") + one.letter;
        if (one.argument)
            all.add_options()(names.c_str(), po::value<std::string>(), "");
        else
            all.add_options()(names.c_str(), "");
    }
    return all;
}

/// Called at the first word that is not an option: all remaining words belong to the program.
std::vector<po::option> take_program(words& left) {
    if (left.front() == "--") left.erase(left.begin());
    po::option program;
    program.position_key = 0; // marks it as not being an option
    program.value = std::exchange(left, {});
    return {program};
}

bool looks_like_option(const std::string& word) { return word.size() > 1 && word[0] == '-'; }

bool is_negative_number(const std::string& word) {
    return word[0] == '-' && word.find_first_of("0123456789") == 1;
}

/// An error about a whole word, with its final message.
struct wrong_word : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// Splits the words with Program_options, adding the rules that it does not have.
class splitter {
  public:
    explicit splitter(const grammar& rules) : rules_(rules) {}

    std::vector<po::option> split(const words& given) const {
        namespace style = po::command_line_style;
        po::options_description known = description_of(rules_.options);
        po::command_line_parser parser(given);
        parser.options(known)
            .style(style::allow_short | style::short_allow_adjacent | style::short_allow_next |
                   style::allow_dash_for_short | style::allow_sticky | style::allow_long |
                   style::long_allow_adjacent | style::long_allow_next)
            .extra_style_parser([this](words& left) { return take_by_own_rules(left); });
        return parser.run().options;
    }

    /// The message for an error of Program_options.
    std::string explain(const po::error& error) const {
        if (auto* unknown = dynamic_cast<const po::unknown_option*>(&error))
            return unknown_option(unknown->get_option_name());
        auto* syntax = dynamic_cast<const po::invalid_command_line_syntax*>(&error);
        const option* known = syntax ? named_by(syntax->get_option_name()) : nullptr;
        if (!known) return quote(error.what());
        return "--" + std::string(known->name) +
               (known->argument ? ": its value is missing" : ": takes no value");
    }

    const option* find(std::string_view name) const {
        auto is_it = [&](const option& one) { return name == one.name; };
        auto found = std::ranges::find_if(rules_.options, is_it);
        return found == rules_.options.end() ? nullptr : &*found;
    }

  private:
    /// Called by Program_options before it parses the words itself.
    std::vector<po::option> take_by_own_rules(words& left) const {
        if (left.empty()) return {};
        if (left[0] == "--" || !looks_like_option(left[0])) return take_program(left);
        write_out(left[0]);
        return take_option_and_value(left);
    }

    /// Completes an abbreviated name of an option. Program_options would complain of the value that
    /// an unknown one has, or has not.
    void write_out(std::string& word) const {
        std::size_t end = std::min(word.find('='), word.size());
        if (!word.starts_with("--") || find(word.substr(2, end - 2))) return;
        std::string beginning = word.substr(2, end - 2);
        words meant;
        for (const option& one : rules_.options.first(rules_.abbreviable))
            if (std::string_view(one.name).starts_with(beginning))
                meant.push_back("--" + std::string(one.name));
        if (meant.empty() || beginning.empty()) throw po::unknown_option(word);
        if (meant.size() == 1) word.replace(0, end, meant[0]);
        if (meant.size() > 1)
            throw wrong_word("option " + quote("--" + beginning) + " may be " + meant[0] + " or " +
                             meant[1] + "; write it out");
    }

    /// The option that `word` names, without an attached value; null: none.
    const option* named_by(const std::string& word) const {
        if (word.starts_with("--")) return find(std::string_view(word).substr(2));
        auto is_it = [&](const option& one) {
            return one.letter && word == std::string("-") + one.letter;
        };
        auto found = std::ranges::find_if(rules_.options, is_it);
        return found == rules_.options.end() ? nullptr : &*found;
    }

    /// Takes an option whose value is the next word. Program_options would refuse some values that
    /// look like options ("-c number", "--nice -4") and accept others ("-n --bind :80").
    std::vector<po::option> take_option_and_value(words& left) const {
        const option* known = named_by(left[0]);
        if (!known || !known->argument || left.size() < 2) return {};
        if (!rules_.any_value && looks_like_option(left[1]) && !is_negative_number(left[1]))
            throw po::invalid_command_line_syntax(po::invalid_syntax::missing_parameter,
                                                  known->name, left[0],
                                                  po::command_line_style::allow_long);
        po::option taken(known->name, {left[1]});
        left.erase(left.begin(), left.begin() + 2);
        return {taken};
    }

    std::string unknown_option(const std::string& name) const {
        words candidates;
        for (const option& one : rules_.options)
            candidates.push_back("--" + std::string(one.name));
        std::string_view word = std::string_view(name).substr(0, name.find('='));
        bool is_long = word.starts_with("--"); // for a single letter, any hint would be a guess
        return "unknown option " + quote(word) +
               (is_long ? core::did_you_mean(word, candidates) : "") + "; --help lists all";
    }

    const grammar& rules_;
};

complaint take_all(const splitter& known, const std::vector<po::option>& given, draft& into) {
    for (const po::option& one : given) {
        if (into.kind >= request_kind::help) break;
        if (one.position_key != -1) {
            into.group.command = one.value;
            continue;
        }
        const option* meant = known.find(one.string_key);
        assert(meant);
        if (auto wrong = meant->take(into, one.value.empty() ? "" : one.value[0]))
            return "--" + one.string_key + ": " + *wrong;
        into.given.push_back(one.string_key);
    }
    return std::nullopt;
}

} // namespace

complaint read_words(const grammar& rules, const words& given, draft& into) {
    splitter known(rules);
    try {
        return take_all(known, known.split(given), into);
    } catch (const po::error& error) {
        return known.explain(error);
    } catch (const wrong_word& error) {
        return error.what();
    }
}

} // namespace einhyrningsins::config
