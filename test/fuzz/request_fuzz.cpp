// SPDX-License-Identifier: GPL-3.0-or-later
//
// The control socket with arbitrary bytes, from fragments of the stream to the reply: it never
// crashes, every line gets a one-line reply that a client understands, and errors are short. The
// client is fed with the same bytes.
#include "protocol/dialect.hpp"
#include "protocol/einhorn_wording.hpp"
#include "protocol/firestarter.hpp"
#include "protocol/json_text.hpp"
#include "protocol/line_buffer.hpp"
#include "protocol/order.hpp"
#include "protocol/reply.hpp"
#include "protocol/request.hpp"
#include "protocol/status_table.hpp"
#include "protocol/yaml.hpp"

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdlib>

using namespace einhyrningsins::protocol;

namespace {

void must(bool holds) {
    if (!holds) std::abort();
}

using id_type = std::optional<boost::json::value>;

/// einhorn's clients read it with a parser of YAML, after percent-decoding.
void check_einhorn_answer(const reply& answer, const id_type& id) {
    std::string line = einhorn_dialect().to_line(answer, id, 1);
    must(line.find('\n') == line.size() - 1 && line.find_first_of("%+") == line.npos);
    line.pop_back();
    auto understood = line.size() < longest_line ? parse_yaml(line) : parse_yaml("{message: ''}");
    must(understood && understood->at("message").is_string());
    if (line.size() < longest_line)
        must(understood->at("message") == boost::json::value(answer.message));
}

void check_answer(const reply& answer, const id_type& id) {
    std::string line = to_line(answer, id);
    must(line.find('\n') == line.size() - 1);
    auto understood = parse_reply(line);
    must(understood && understood->message == answer.message);
    must(!id || understood->ok == answer.ok);
    check_einhorn_answer(answer, id);
}

void check_refusal(const std::string& why, const id_type& id) {
    must(!why.empty() && why.size() < 500);
    must(std::ranges::none_of(why, [](unsigned char c) { return c < ' ' || c == 0x7f; }));
    check_answer({.message = "error: " + why, .ok = false}, id);
}

void check_order(const order& what) {
    must(what.what != verb::set_workers || (what.number >= 1 && what.number <= 10000));
    must(what.what != verb::signal || !what.signals.empty());
    must(std::ranges::all_of(what.signals, [](int signal) { return signal > 0 && signal < 65; }));
}

/// A client that sends on what it has read says the same.
void check_again(const request& asked) {
    auto again = parse_request(to_line(asked));
    must(again && again->command == asked.command && again->args == asked.args);
    must(again->group == asked.group && again->pid == asked.pid && again->id == asked.id);
}

/// einhorn's commands have its own checks, which let nothing pass that ours would not understand.
void check_einhorn(const request& asked) {
    check_answer({.message = einhorn::unrecognized(asked.command)}, asked.id);
    const command* known = find_command(asked.command);
    if (!known) return;
    auto wrong = einhorn::complaint(known->what, asked);
    if (wrong) return check_answer({.message = *wrong, .ok = false}, asked.id);
    if (known->what == verb::config)
        must(joined(asked.args)->is_object() && !einhorn::inspect(*joined(asked.args)).empty());
}

/// What looks like YAML to the master alone, without the percent-encoding.
void read_yaml(std::string_view text) {
    auto value = parse_yaml(text);
    must(value || (!value.error().empty() && value.error().size() < 200));
    if (!value) return;
    std::string written = yaml_text(*value);
    must(written.size() >= longest_line || parse_yaml(written).has_value());
}

/// The same line on a socket of firestarter: every answer is one that its client understands, and
/// what a client sends on says the same.
void answer_as_firestarter(std::string_view line, const socket_kind& where) {
    auto asked = parse_request(line, where);
    bool ours = (asked ? asked->dialect : asked.error().dialect) !=
                einhyrningsins::config::dialect_name::firestarter;
    if (ours) return;
    reply said{.message = asked ? asked->command : asked.error().message, .ok = asked.has_value()};
    auto text =
        boost::json::serialize(firestarter::entry(said, asked ? asked->id : asked.error().id, 1));
    auto understood = firestarter::parse_reply(text);
    must(understood && understood->message == said.message && understood->ok == said.ok);
    if (!asked || asked->command == "list" || (asked->group.empty() && asked->command != "status"))
        return;
    auto again = parse_request(to_line(*asked), where);
    must(again && again->command == asked->command && again->group == asked->group);
    must(again->signal == asked->signal);
}

void answer(std::string_view line) {
    must(line.size() < longest_line && line.find('\n') == line.npos);
    constexpr auto firestarter = einhyrningsins::config::dialect_name::firestarter;
    answer_as_firestarter(line, {.spoken = firestarter});
    answer_as_firestarter(line, {.spoken = firestarter, .is_of_group = true});
    auto asked = parse_request(line);
    if (!asked) return check_refusal(asked.error().message, asked.error().id);
    check_again(*asked);
    check_einhorn(*asked);
    auto what = parse_order(*asked);
    if (!what) return check_refusal(what.error(), asked->id);
    check_order(*what);
    check_answer({.message = asked->command, .data = boost::json::value(asked->group)}, asked->id);
}

void hear(std::string_view line) {
    firestarter::parse_reply(line);
    auto said = parse_reply(line);
    if (!said) return;
    std::string table = status_table(said->data.value_or(nullptr), true);
    must(!table.ends_with('\n'));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view text(reinterpret_cast<const char*>(data), size);
    if (size < longest_line) read_yaml(text);
    std::size_t piece = size > 0 ? 1 + data[0] : 1; // as the network would cut it
    line_buffer lines;
    while (!text.empty() && !lines.overflowed()) {
        lines.append(text.substr(0, piece));
        text.remove_prefix(std::min(piece, text.size()));
        while (auto line = lines.next()) {
            answer(*line);
            hear(*line);
        }
    }
    return 0;
}
