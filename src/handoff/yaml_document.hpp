// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <boost/system/result.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace einhyrningsins::handoff {

class yaml_document;

/// A value in a yaml_document, which must outlive it. An absent value is null.
class yaml_node {
  public:
    yaml_node() = default;

    bool is_null() const;
    bool is_scalar() const;
    bool is_list() const;
    bool is_map() const;

    /// The bytes of a scalar as written, and whether they were quoted.
    std::string_view scalar() const;
    bool is_quoted() const;
    /// The text of a scalar; "!binary" scalars are decoded from base64. Nothing: it is not a
    /// scalar, or not valid base64.
    std::optional<std::string> text() const;

    /// The elements of a list; empty for anything else.
    std::vector<yaml_node> elements() const;
    /// The keys and values of a map; empty for anything else.
    std::vector<std::pair<yaml_node, yaml_node>> entries() const;
    /// The value of a scalar key of a map; null: there is none, or it is not a map.
    yaml_node at(std::string_view key) const;

  private:
    friend class yaml_document;
    yaml_node(const yaml_document* document, int number) : document_(document), number_(number) {}
    const void* raw() const;
    bool is_binary() const;

    const yaml_document* document_ = nullptr;
    int number_ = 0; ///< libyaml's number of the node; 0: absent
};

/// A YAML document as a tree, read by libyaml, which Ruby uses as well. Aliases share the node of
/// their anchor, so the memory of a document is proportional to its length.
class yaml_document {
  public:
    /// Parses the first document of `text`. The error is one line.
    static boost::system::result<yaml_document, std::string> parse(std::string_view text);
    yaml_document(yaml_document&&) noexcept;
    yaml_document& operator=(yaml_document&&) noexcept;
    ~yaml_document();

    yaml_node root() const;

  private:
    friend class yaml_node;
    struct content;
    explicit yaml_document(std::unique_ptr<content> from);

    std::unique_ptr<content> content_;
};

} // namespace einhyrningsins::handoff
