// SPDX-License-Identifier: GPL-3.0-or-later
#include "config/command_line.hpp"

#include "config/option.hpp"
#include "config/quote.hpp"
#include "core/nearest.hpp"

#include <boost/program_options/errors.hpp>
#include <boost/program_options/options_description.hpp>
#include <boost/program_options/parsers.hpp>
#include <boost/program_options/value_semantic.hpp>

#include <algorithm>
#include <cassert>
#include <utility>

namespace einhyrningsins::config {
namespace {

namespace po = boost::program_options;
using words = std::vector<std::string>;

po::options_description describe_options() {
    po::options_description all;
    for (const option& one : options()) {
        std::string names = one.name;
        if (one.letter) names += std::string(",") + one.letter;
        if (one.argument)
            all.add_options()(names.c_str(), po::value<std::string>(), "");
        else
            all.add_options()(names.c_str(), "");
    }
    return all;
}

/// Ends the options at the first word that is none: all that is left belongs to the program.
std::vector<po::option> take_program(words& left) {
    if (left.front() == "--") left.erase(left.begin());
    po::option program;
    program.position_key = 0; // known to be none of the options
    program.value = std::exchange(left, {});
    return {program};
}

/// The option that `word` names, with nothing stuck to it.
const option* named_by(const std::string& word) {
    auto all = options();
    auto found = std::ranges::find_if(all, [&](const option& one) {
        return word == "--" + std::string(one.name) ||
               (one.letter && word == std::string("-") + one.letter);
    });
    return found == all.end() ? nullptr : &*found;
}

bool looks_like_option(const std::string& word) { return word.size() > 1 && word[0] == '-'; }

bool is_negative_number(const std::string& word) {
    return word[0] == '-' && word.find_first_of("0123456789") == 1;
}

/// An option whose value is the next word. Program_options would refuse some values that are also
/// the name of an option ("-c number", "--nice -4"), and take others ("-n --bind :80").
std::vector<po::option> take_option_and_value(words& left) {
    const option* known = named_by(left[0]);
    if (!known || !known->argument || left.size() < 2) return {};
    if (looks_like_option(left[1]) && !is_negative_number(left[1]))
        throw po::invalid_command_line_syntax(po::invalid_syntax::missing_parameter, known->name,
                                              left[0], po::command_line_style::allow_long);
    po::option taken(known->name, {left[1]});
    left.erase(left.begin(), left.begin() + 2);
    return {taken};
}

/// Asked by Program_options before it looks at the words itself.
std::vector<po::option> take_by_our_rules(words& left) {
    if (left.empty()) return {};
    if (left[0].starts_with("--=")) throw po::unknown_option(left[0]); // else a word of the program
    if (left[0] == "--" || !looks_like_option(left[0])) return take_program(left);
    return take_option_and_value(left);
}

std::string unknown_option(const std::string& name) {
    words candidates;
    for (const option& one : options())
        candidates.push_back("--" + std::string(one.name));
    std::string_view word = std::string_view(name).substr(0, name.find('='));
    bool is_long = word.starts_with("--"); // a hint at a single letter would be a guess
    return "unknown option " + quote(word) + (is_long ? core::did_you_mean(word, candidates) : "") +
           "; --help lists all";
}

/// Program_options splits the words; what it has to complain about is said in our words.
std::vector<po::option> split(const words& given) {
    namespace style = po::command_line_style;
    po::options_description known = describe_options();
    po::command_line_parser parser(given);
    parser.options(known)
        .style(style::allow_short | style::short_allow_adjacent | style::short_allow_next |
               style::allow_dash_for_short | style::allow_sticky | style::allow_long |
               style::long_allow_adjacent | style::long_allow_next)
        .extra_style_parser(take_by_our_rules);
    return parser.run().options;
}

std::string explain(const po::error& error) {
    if (auto* unknown = dynamic_cast<const po::unknown_option*>(&error))
        return unknown_option(unknown->get_option_name());
    auto* syntax = dynamic_cast<const po::invalid_command_line_syntax*>(&error);
    const option* known = syntax ? named_by(syntax->get_option_name()) : nullptr;
    if (!known) return quote(error.what());
    return "--" + std::string(known->name) +
           (known->argument ? ": its value is missing" : ": takes no value");
}

/// Nothing is looked at after --help or --version.
complaint take_all(const std::vector<po::option>& given, draft& into) {
    for (const po::option& one : given) {
        if (into.kind >= request_kind::help) break;
        if (one.position_key != -1) {
            into.group.command = one.value;
            continue;
        }
        const option* known = find_option(one.string_key);
        assert(known);
        if (auto wrong = known->take(into, one.value.empty() ? "" : one.value[0]))
            return "--" + one.string_key + ": " + *wrong;
    }
    return std::nullopt;
}

std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

std::string default_lockfile(std::string socket_path) {
    if (socket_path.ends_with(".sock")) socket_path.resize(socket_path.size() - 5);
    return socket_path + ".lock";
}

/// What follows from other options.
void fill_in(settings& wishes) {
    master_settings& master = wishes.master;
    group_settings& group = wishes.groups[0];
    const std::string& name = master.command_name;
    group.name = name.empty() ? base_name(group.command[0]) : name;
    if (master.socket_path.empty())
        master.socket_path = name.empty() ? "/tmp/einhorn.sock" : "/tmp/einhorn-" + name + ".sock";
    if (master.lockfile.empty()) master.lockfile = default_lockfile(master.socket_path);
}

} // namespace

boost::system::result<command_line, text_error> parse_command_line(const words& given,
                                                                   unsigned cpus) {
    command_line line;
    group_settings& group = line.wishes.groups.emplace_back();
    group.policy.max_unacked = cpus;
    draft into{line.kind, line.wishes.master, group};
    try {
        if (auto wrong = take_all(split(given), into)) return text_error{*wrong};
    } catch (const po::error& error) {
        return text_error{explain(error)};
    }
    if (line.kind >= request_kind::help) return line;
    if (group.command.empty() || group.command[0].empty())
        return text_error{
            "no program to run; usage: einhyrningsins [OPTIONS] [--] PROGRAM [ARGS...]"};
    fill_in(line.wishes);
    return line;
}

} // namespace einhyrningsins::config
