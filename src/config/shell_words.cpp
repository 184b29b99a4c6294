// SPDX-License-Identifier: GPL-3.0-or-later
#include "config/shell_words.hpp"

#include "config/quote.hpp"

#include <algorithm>

namespace einhyrningsins::config {
namespace {

using maybe_error = std::optional<std::string>;

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

bool is_name_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

class splitter {
  public:
    splitter(std::string_view text, const variable_lookup& variables)
        : left_(text),
          variables_(variables) {}

    maybe_error split(std::vector<std::string>& words) {
        while (skip_blanks()) {
            word_.clear();
            while (!left_.empty() && !is_blank(left_.front()))
                if (auto wrong = take_piece()) return wrong;
            words.push_back(std::move(word_));
        }
        return std::nullopt;
    }

  private:
    /// Returns whether anything is left.
    bool skip_blanks() {
        while (!left_.empty() && is_blank(left_.front()))
            left_.remove_prefix(1);
        return !left_.empty();
    }

    char take() {
        char c = left_.front();
        left_.remove_prefix(1);
        return c;
    }

    maybe_error take_piece() {
        char c = take();
        if (c == '\'') return take_literal();
        if (c == '"') return take_quoted();
        if (c == '$' && variables_) return take_variable();
        if (c == '\\') {
            if (left_.empty())
                return " ends within a quotation: a character is missing after the last backslash";
            c = take();
        }
        word_ += c;
        return std::nullopt;
    }

    maybe_error take_literal() {
        std::size_t end = left_.find('\'');
        if (end == left_.npos) return " ends within a quotation: a ' is missing";
        word_ += left_.substr(0, end);
        left_.remove_prefix(end + 1);
        return std::nullopt;
    }

    maybe_error take_quoted() {
        constexpr std::string_view escapable = "\"\\$`";
        while (!left_.empty()) {
            char c = take();
            if (c == '"') return std::nullopt;
            if (c == '$' && variables_) {
                if (auto wrong = take_variable()) return wrong;
                continue;
            }
            if (c == '\\' && !left_.empty() && escapable.find(left_.front()) != escapable.npos)
                c = take();
            word_ += c;
        }
        return " ends within a quotation: a \" is missing";
    }

    /// Takes what follows a dollar sign.
    maybe_error take_variable() {
        if (left_.starts_with('$')) {
            word_ += take();
            return std::nullopt;
        }
        bool braces = left_.starts_with('{');
        if (braces) take();
        auto end = std::ranges::find_if_not(left_, is_name_character);
        std::string_view name = left_.substr(0, static_cast<std::size_t>(end - left_.begin()));
        left_.remove_prefix(name.size());
        if (!is_variable_name(name) || (braces && !left_.starts_with('}')))
            return ": '$' must be followed by NAME or {NAME}; write '$$' for a dollar sign";
        if (braces) take();
        auto value = variables_(name);
        if (!value)
            return ": variable " + quote(name) + " is not set; write '$$' for a dollar sign";
        word_ += *value;
        return std::nullopt;
    }

    std::string_view left_;
    const variable_lookup& variables_;
    std::string word_;
};

} // namespace

bool is_variable_name(std::string_view text) {
    return !text.empty() && !is_digit(text.front()) && std::ranges::all_of(text, is_name_character);
}

boost::system::result<std::vector<std::string>, text_error>
split_shell_words(std::string_view text, const variable_lookup& variables) {
    std::vector<std::string> words;
    if (auto wrong = splitter(text, variables).split(words))
        return text_error{quote(text) + *wrong};
    return words;
}

} // namespace einhyrningsins::config
