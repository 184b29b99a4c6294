// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/yaml.hpp"

#include "protocol/utf8.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>
#include <cstdint>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <vector>

namespace einhyrningsins::protocol {
namespace {

namespace json = boost::json;
using answer = boost::system::result<json::value, std::string>;

constexpr std::size_t deepest = 8;
constexpr std::size_t longest_complaint = 100;

struct refusal : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// The whole of `text` as a number.
template <class Number>
std::optional<Number> number_of(std::string_view text) {
    Number number{};
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

bool is_one_of(std::string_view text, const std::array<std::string_view, 3>& words) {
    auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; };
    return std::ranges::any_of(
        words, [&](std::string_view word) { return std::ranges::equal(text, word, same); });
}

/// A number in the form that everybody writes; the others that YAML 1.1 knows stay strings.
std::optional<json::value> plain_number(std::string_view text) {
    std::string_view digits = text.substr(text.starts_with('-') || text.starts_with('+') ? 1 : 0);
    if (digits.empty() || digits[0] < '0' || digits[0] > '9') return std::nullopt;
    if (text[0] == '+') text = digits;
    bool leading_zero = digits.size() > 1 && digits[0] == '0' && digits[1] != '.';
    if (leading_zero) return std::nullopt;
    if (auto whole = number_of<std::int64_t>(text)) return json::value(*whole);
    if (digits.find('.') == digits.npos) return std::nullopt;
    if (auto real = number_of<double>(text)) return json::value(*real);
    return std::nullopt;
}

/// What Ruby makes of a scalar without quotes.
json::value plain_scalar(std::string_view text) {
    if (auto number = plain_number(text)) return *number;
    if (is_one_of(text, {"true", "yes", "on"})) return true;
    if (is_one_of(text, {"false", "no", "off"})) return false;
    return json::value(json::string_view(text.data(), text.size()));
}

/// Builds the value from the parser's events. The parser recurses: an exception at `deepest` ends
/// that.
class builder : public YAML::EventHandler {
  public:
    json::value take() { return std::move(root_); }

    void OnDocumentStart(const YAML::Mark&) override {
        if (std::exchange(begun_, true)) throw refusal("there is more after the hash");
    }
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark&, YAML::anchor_t anchor) override {
        check("?", anchor);
        awaits_key() ? take_key("") : add(nullptr);
    }
    void OnAlias(const YAML::Mark&, YAML::anchor_t) override {
        throw refusal("anchors and aliases are refused");
    }
    void OnScalar(const YAML::Mark&, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& text) override {
        check(tag, anchor);
        if (awaits_key()) return take_key(text);
        add(tag == "!" ? json::value(json::string_view(text)) : plain_scalar(text));
    }
    void OnSequenceStart(const YAML::Mark&, const std::string& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) override {
        check(tag, anchor);
        open(json::array());
    }
    void OnSequenceEnd() override { close(); }
    void OnMapStart(const YAML::Mark&, const std::string& tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value) override {
        check(tag, anchor);
        open(json::object());
    }
    void OnMapEnd() override { close(); }

  private:
    struct level {
        json::value collection;
        std::optional<std::string> key; ///< of a hash, whose value comes next
    };

    /// "?" and "!" are what a scalar without and with quotes has for a tag.
    static void check(const std::string& tag, YAML::anchor_t anchor) {
        if (tag != "?" && tag != "!") throw refusal("tags are refused");
        if (anchor != YAML::NullAnchor) throw refusal("anchors and aliases are refused");
    }

    bool awaits_key() const {
        return !open_.empty() && open_.back().collection.is_object() && !open_.back().key;
    }

    void take_key(std::string key) { open_.back().key = std::move(key); }

    void open(json::value collection) {
        if (awaits_key()) throw refusal("a key must be a scalar");
        if (open_.size() == deepest) throw refusal("nested too deep");
        open_.push_back({std::move(collection), std::nullopt});
    }

    void close() {
        json::value done = std::move(open_.back().collection);
        open_.pop_back();
        add(std::move(done));
    }

    void add(json::value value) {
        if (open_.empty()) {
            root_ = std::move(value);
        } else if (auto* list = open_.back().collection.if_array()) {
            list->push_back(std::move(value));
        } else {
            open_.back().collection.get_object()[*open_.back().key] = std::move(value);
            open_.back().key.reset();
        }
    }

    json::value root_;
    std::vector<level> open_;
    bool begun_ = false;
};

/// The parser would take some of these for its own signs, and passes on what is no UTF-8.
bool is_printable(std::string_view text) {
    while (!text.empty()) {
        char32_t c = take_character(text);
        bool is_control = (c < ' ' && c != '\n' && c != '\r' && c != '\t') || c == 0x7F;
        if (c == ill_formed || is_control) return false;
    }
    return true;
}

std::string complaint(const YAML::Exception& error) {
    std::string text = error.msg.substr(0, longest_complaint);
    std::ranges::replace_if(
        text, [](unsigned char c) { return c < ' ' || c >= 0x7f; }, '?');
    return "line " + std::to_string(error.mark.line + 1) + ", column " +
           std::to_string(error.mark.column + 1) + ": " + text;
}

json::value build(std::string_view text) {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    builder made;
    while (parser.HandleNextDocument(made)) {
    }
    return made.take();
}

} // namespace

answer parse_yaml(std::string_view text, std::size_t longest) {
    using boost::system::in_place_error;
    if (text.size() > longest) return answer(in_place_error, "too long");
    if (!is_printable(text)) return answer(in_place_error, "control characters or no UTF-8");
    try {
        return build(text);
    } catch (const YAML::Exception& error) {
        return answer(in_place_error, complaint(error));
    } catch (const refusal& error) {
        return answer(in_place_error, error.what());
    }
}

std::string decode_percent(std::string_view line) {
    std::string text;
    while (!line.empty()) {
        bool newline = line.starts_with("%0A"), percent = line.starts_with("%25");
        text += newline ? '\n' : line[0];
        line.remove_prefix(newline || percent ? 3 : 1);
    }
    return text;
}

} // namespace einhyrningsins::protocol
