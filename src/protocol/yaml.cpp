// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/yaml.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <yaml.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace einhyrningsins::protocol {
namespace {

namespace json = boost::json;
using answer = boost::system::result<json::value, std::string>;

constexpr std::size_t deepest = 8;

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

bool is_null(std::string_view text) {
    constexpr std::array<std::string_view, 5> words{"", "~", "null", "Null", "NULL"};
    return std::ranges::find(words, text) != words.end();
}

/// What Ruby makes of a scalar without quotes.
json::value plain_scalar(std::string_view text) {
    if (is_null(text)) return nullptr;
    if (auto number = plain_number(text)) return *number;
    if (is_one_of(text, {"true", "yes", "on"})) return true;
    if (is_one_of(text, {"false", "no", "off"})) return false;
    return json::value(json::string_view(text.data(), text.size()));
}

/// The events of libyaml's parser, which does not recurse and reads no further than asked.
class event_stream {
  public:
    explicit event_stream(std::string_view text) {
        if (!(good_ = yaml_parser_initialize(&parser_))) return;
        // Without this, a byte order mark would decide.
        yaml_parser_set_encoding(&parser_, YAML_UTF8_ENCODING);
        yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()),
                                     text.size());
    }
    ~event_stream() {
        yaml_event_delete(&event_);
        if (good_) yaml_parser_delete(&parser_);
    }
    event_stream(const event_stream&) = delete;
    event_stream& operator=(const event_stream&) = delete;

    /// The next event, valid until the next call; null after an error.
    const yaml_event_t* next() {
        yaml_event_delete(&event_);
        return good_ && yaml_parser_parse(&parser_, &event_) ? &event_ : nullptr;
    }

    /// Why there is no next event, in one short line.
    std::string error() const {
        if (!good_ || !parser_.problem) return "out of memory";
        if (parser_.error == YAML_READER_ERROR)
            return "byte " + std::to_string(parser_.problem_offset + 1) + ": " + parser_.problem;
        return "line " + std::to_string(parser_.problem_mark.line + 1) + ", column " +
               std::to_string(parser_.problem_mark.column + 1) + ": " + parser_.problem;
    }

  private:
    yaml_parser_t parser_{};
    yaml_event_t event_{};
    bool good_ = false;
};

/// Builds a value from events.
class builder {
  public:
    /// Returns why the event is refused; null: it is not.
    const char* add(const yaml_event_t& event) {
        const auto& data = event.data;
        switch (event.type) {
        case YAML_DOCUMENT_START_EVENT:
            return std::exchange(begun_, true) ? "there is more after the hash" : nullptr;
        case YAML_ALIAS_EVENT: return no_anchors;
        case YAML_SCALAR_EVENT: {
            auto why = refusal_of(data.scalar.anchor, data.scalar.tag);
            return why ? why : add_scalar(data.scalar);
        }
        case YAML_SEQUENCE_START_EVENT: {
            auto why = refusal_of(data.sequence_start.anchor, data.sequence_start.tag);
            return why ? why : open(json::array());
        }
        case YAML_MAPPING_START_EVENT: {
            auto why = refusal_of(data.mapping_start.anchor, data.mapping_start.tag);
            return why ? why : open(json::object());
        }
        case YAML_SEQUENCE_END_EVENT:
        case YAML_MAPPING_END_EVENT: close(); break;
        default: break;
        }
        return nullptr;
    }

    /// The value, null if there was none.
    json::value take() { return std::move(root_); }

  private:
    struct level {
        json::value collection;
        std::optional<std::string> key; ///< of a hash, whose value comes next
    };
    using scalar = decltype(yaml_event_t::data.scalar);

    static constexpr const char* no_anchors = "anchors and aliases are refused";

    static const char* refusal_of(const yaml_char_t* anchor, const yaml_char_t* tag) {
        return anchor ? no_anchors : tag ? "tags are refused" : nullptr;
    }

    bool awaits_key() const {
        return !open_.empty() && open_.back().collection.is_object() && !open_.back().key;
    }

    const char* add_scalar(const scalar& from) {
        std::string_view text(reinterpret_cast<const char*>(from.value), from.length);
        bool is_plain = from.style == YAML_PLAIN_SCALAR_STYLE;
        if (awaits_key())
            open_.back().key = is_plain && is_null(text) ? std::string() : std::string(text);
        else
            put(is_plain ? plain_scalar(text) : json::value(json::string_view(text)));
        return nullptr;
    }

    const char* open(json::value collection) {
        if (awaits_key()) return "a key must be a scalar";
        if (open_.size() == deepest) return "nested too deep";
        open_.push_back({std::move(collection), std::nullopt});
        return nullptr;
    }

    void close() {
        json::value done = std::move(open_.back().collection);
        open_.pop_back();
        put(std::move(done));
    }

    void put(json::value value) {
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

} // namespace

answer parse_yaml(std::string_view text, std::size_t longest) {
    using boost::system::in_place_error;
    if (text.size() > longest) return answer(in_place_error, "too long");
    event_stream events(text);
    builder made;
    while (const yaml_event_t* event = events.next()) {
        if (event->type == YAML_STREAM_END_EVENT) return made.take();
        if (auto why = made.add(*event)) return answer(in_place_error, why);
    }
    return answer(in_place_error, events.error());
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
