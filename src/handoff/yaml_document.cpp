// SPDX-License-Identifier: GPL-3.0-or-later
#include "handoff/yaml_document.hpp"

#include <yaml.h>

#include <algorithm>
#include <array>

namespace einhyrningsins::handoff {
namespace {

const yaml_node_t* as_node(const void* raw) { return static_cast<const yaml_node_t*>(raw); }

bool has_type(const void* raw, yaml_node_type_t type) { return raw && as_node(raw)->type == type; }

/// -1: not a digit.
int digit_of_base_64(char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

std::optional<std::string> decode_base_64(std::string_view text) {
    std::string bytes;
    unsigned collected = 0, bits = 0;
    for (char c : text) {
        if (c == '\n' || c == ' ' || c == '=') continue;
        int digit = digit_of_base_64(c);
        if (digit < 0) return std::nullopt;
        collected = (collected << 6 | static_cast<unsigned>(digit)) & 0xffff;
        bits += 6;
        if (bits < 8) continue;
        bits -= 8;
        bytes += static_cast<char>(collected >> bits & 0xff);
    }
    return bytes;
}

/// Owns a parser of libyaml.
struct parser {
    explicit parser(std::string_view text) {
        if (!(good = yaml_parser_initialize(&raw))) return;
        yaml_parser_set_input_string(&raw, reinterpret_cast<const unsigned char*>(text.data()),
                                     text.size());
    }
    ~parser() {
        if (good) yaml_parser_delete(&raw);
    }
    parser(const parser&) = delete;
    parser& operator=(const parser&) = delete;

    std::string error() const {
        return "line " + std::to_string(raw.problem_mark.line + 1) + ": " +
               (raw.problem ? raw.problem : "no memory");
    }

    yaml_parser_t raw{};
    bool good = false;
};

} // namespace

struct yaml_document::content {
    content() = default;
    ~content() { yaml_document_delete(&raw); }
    content(const content&) = delete;
    content& operator=(const content&) = delete;

    yaml_document_t raw{};
};

yaml_document::yaml_document(std::unique_ptr<content> from) : content_(std::move(from)) {}
yaml_document::yaml_document(yaml_document&&) noexcept = default;
yaml_document& yaml_document::operator=(yaml_document&&) noexcept = default;
yaml_document::~yaml_document() = default;

boost::system::result<yaml_document, std::string> yaml_document::parse(std::string_view text) {
    parser from(text);
    auto read = std::make_unique<content>();
    if (!from.good || !yaml_parser_load(&from.raw, &read->raw)) return from.error();
    return yaml_document(std::move(read));
}

/// libyaml numbers nodes from 1. An empty text has none.
yaml_node yaml_document::root() const {
    return {this, yaml_document_get_root_node(&content_->raw) ? 1 : 0};
}

const void* yaml_node::raw() const {
    if (number_ == 0) return nullptr;
    return yaml_document_get_node(&document_->content_->raw, number_);
}

bool yaml_node::is_scalar() const { return has_type(raw(), YAML_SCALAR_NODE); }
bool yaml_node::is_list() const { return has_type(raw(), YAML_SEQUENCE_NODE); }
bool yaml_node::is_map() const { return has_type(raw(), YAML_MAPPING_NODE); }

bool yaml_node::is_null() const {
    constexpr std::array<std::string_view, 5> words{"", "~", "null", "Null", "NULL"};
    if (!raw()) return true;
    return is_scalar() && !is_quoted() && !is_binary() &&
           std::ranges::find(words, scalar()) != words.end();
}

std::string_view yaml_node::scalar() const {
    if (!is_scalar()) return {};
    const auto& found = as_node(raw())->data.scalar;
    return {reinterpret_cast<const char*>(found.value), found.length};
}

bool yaml_node::is_quoted() const {
    return is_scalar() && as_node(raw())->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
}

bool yaml_node::is_binary() const {
    const auto* tag = reinterpret_cast<const char*>(as_node(raw())->tag);
    return tag && std::string_view(tag).ends_with("binary");
}

std::optional<std::string> yaml_node::text() const {
    if (!is_scalar()) return std::nullopt;
    return is_binary() ? decode_base_64(scalar()) : std::string(scalar());
}

std::vector<yaml_node> yaml_node::elements() const {
    std::vector<yaml_node> all;
    if (!is_list()) return all;
    const auto& items = as_node(raw())->data.sequence.items;
    for (const yaml_node_item_t* item = items.start; item != items.top; ++item)
        all.push_back({document_, *item});
    return all;
}

std::vector<std::pair<yaml_node, yaml_node>> yaml_node::entries() const {
    std::vector<std::pair<yaml_node, yaml_node>> all;
    if (!is_map()) return all;
    const auto& pairs = as_node(raw())->data.mapping.pairs;
    for (const yaml_node_pair_t* pair = pairs.start; pair != pairs.top; ++pair)
        all.push_back({{document_, pair->key}, {document_, pair->value}});
    return all;
}

yaml_node yaml_node::at(std::string_view key) const {
    for (const auto& [name, value] : entries())
        if (name.is_scalar() && name.scalar() == key) return value;
    return {};
}

} // namespace einhyrningsins::handoff
