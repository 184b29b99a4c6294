// SPDX-License-Identifier: GPL-3.0-or-later
#include "ctl/command_text.hpp"

namespace einhyrningsins::ctl {
namespace {

constexpr std::string_view blanks = " \t\r";
constexpr std::string_view separators = ";\n";

bool is_one_of(std::string_view set, char c) { return set.find(c) != set.npos; }

/// Walks over text and knows what is quoted.
class reader {
  public:
    explicit reader(std::string_view text) : text_(text) {}

    bool at_end() const { return at_ == text_.size(); }
    bool at_separator() const { return !at_end() && is_one_of(separators, text_[at_]); }
    bool at_object() const { return !at_end() && text_[at_] == '{'; }
    char open_quote() const { return quote_; }
    void skip() { ++at_; }

    void skip_blanks() {
        while (!at_end() && is_one_of(blanks, text_[at_]))
            ++at_;
    }

    /// Up to a blank or separator, without its quotes.
    std::string word() {
        std::string made;
        while (!at_end() && (quote_ || !is_one_of(blanks, text_[at_]))) {
            if (!quote_ && at_separator()) break;
            if (char c = text_[at_]; step()) made += c == '\\' ? text_[at_ - 1] : c;
        }
        return made;
    }

    /// Up to a separator, as it is.
    std::string rest() {
        std::size_t begin = at_;
        while (!at_end() && (quote_ || !at_separator()))
            step();
        std::string_view raw = text_.substr(begin, at_ - begin);
        return std::string(raw.substr(0, raw.find_last_not_of(blanks) + 1));
    }

  private:
    /// Goes on by one character, which may be quoted; returns whether it means a character.
    bool step() {
        char c = text_[at_++];
        if (c == '\\' && quote_ != '\'' && !at_end() && escapes(text_[at_])) {
            ++at_;
            return true;
        }
        if (c != '"' && c != '\'') return true;
        if (quote_ && quote_ != c) return true;
        quote_ = quote_ ? '\0' : c;
        return false;
    }

    /// Between double quotes a backslash means itself before other characters.
    bool escapes(char c) const { return !quote_ || c == '"' || c == '\\'; }

    std::string_view text_;
    std::size_t at_ = 0;
    char quote_ = '\0';
};

command_words read_command(reader& from) {
    command_words words;
    for (from.skip_blanks(); !from.at_end() && !from.at_separator(); from.skip_blanks()) {
        bool as_it_is = words.size() == 1 && words[0] == "config" && from.at_object();
        words.push_back(as_it_is ? from.rest() : from.word());
    }
    if (!from.at_end()) from.skip();
    return words;
}

} // namespace

boost::system::result<std::vector<command_words>, std::string>
parse_commands(std::string_view text) {
    using answer = boost::system::result<std::vector<command_words>, std::string>;
    std::vector<command_words> commands;
    reader from(text);
    while (!from.at_end()) {
        command_words words = read_command(from);
        if (from.open_quote())
            return answer(boost::system::in_place_error,
                          std::string("a quote ") + from.open_quote() + " is not closed");
        if (!words.empty()) commands.push_back(std::move(words));
    }
    return commands;
}

} // namespace einhyrningsins::ctl
