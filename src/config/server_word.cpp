// SPDX-License-Identifier: GPL-3.0-or-later
#include "config/server_word.hpp"

#include "config/quote.hpp"

#include <algorithm>
#include <optional>

namespace einhyrningsins::config {
namespace {

constexpr std::size_t first_descriptor = 3;
constexpr std::string_view mark = "srv:";

/// The parts of a word.
struct server_word {
    std::string_view before;  ///< "ANYTHING="; may be empty
    std::string_view address; ///< "HOST:PORT"
    std::string_view spec;    ///< "HOST:PORT,OPT..."
};

bool is_option_character(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool is_address(std::string_view text) {
    std::size_t colon = text.find(':');
    if (colon == 0 || colon == text.npos) return false;
    std::string_view port = text.substr(colon + 1);
    return !port.empty() && port.find_first_not_of("0123456789") == port.npos;
}

/// Whether `text` is ",OPT,OPT..." or empty.
bool are_options(std::string_view text) {
    while (text.starts_with(',')) {
        std::string_view option = text.substr(1, text.find(',', 1) - 1);
        if (option.empty() || !std::ranges::all_of(option, is_option_character)) return false;
        text.remove_prefix(1 + option.size());
    }
    return text.empty();
}

std::optional<server_word> take_apart(std::string_view word) {
    std::size_t equals = word.rfind("=" + std::string(mark));
    std::size_t begin = equals == word.npos ? 0 : equals + 1;
    std::string_view rest = word.substr(begin);
    if (!rest.starts_with(mark)) return std::nullopt;
    rest.remove_prefix(mark.size());
    std::string_view address = rest.substr(0, rest.find(','));
    if (!is_address(address) || !are_options(rest.substr(address.size()))) return std::nullopt;
    return server_word{word.substr(0, begin), address, rest};
}

} // namespace

boost::system::result<std::vector<bind_spec>, text_error>
take_server_words(std::vector<std::string>& command) {
    std::vector<bind_spec> sockets;
    std::vector<std::string> addresses;
    for (std::string& word : command) {
        auto found = take_apart(word);
        if (!found) continue;
        auto known = std::ranges::find(addresses, found->address);
        std::size_t place = static_cast<std::size_t>(known - addresses.begin());
        if (known == addresses.end()) {
            auto spec = parse_bind_spec(found->spec);
            if (!spec) return text_error{quote(word) + ": " + spec.error().message};
            sockets.push_back(std::move(*spec));
            addresses.emplace_back(found->address);
        }
        word = std::string(found->before) + std::to_string(first_descriptor + place);
    }
    return sockets;
}

} // namespace einhyrningsins::config
