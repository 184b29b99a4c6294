// SPDX-License-Identifier: GPL-3.0-or-later
#include "config/toml_group.hpp"

#include "config/quote.hpp"
#include "config/shell_words.hpp"
#include "config/toml_key.hpp"
#include "core/nearest.hpp"

#include <algorithm>
#include <functional>
#include <utility>

namespace einhyrningsins::config {
namespace {

/// Stores a value of the right type.
using taker = std::function<complaint(const std::string&)>;

/// The last value of `name` in a list of "NAME=value"; nothing: it has none.
std::optional<std::string> find_variable(const std::vector<std::string>& all,
                                         std::string_view name) {
    auto is_it = [&](const std::string& entry) {
        return entry.starts_with(name) && entry.substr(name.size(), 1) == "=";
    };
    auto found = std::find_if(all.rbegin(), all.rend(), is_it);
    if (found == all.rend()) return std::nullopt;
    return found->substr(name.size() + 1);
}

/// The defaults of a group in a file, where they differ from those of the command line.
group_settings beginning(const group_settings& base, const std::string& name) {
    group_settings group = base;
    group.name = name;
    group.variable_prefix = "FIRESTARTER";
    group.policy.restart = core::restart_policy::never;
    group.policy.on_demand = true;
    return group;
}

class reader {
  public:
    reader(const toml_entry& table, const group_settings& base,
           const std::vector<std::string>& environment, std::vector<toml_complaint>& wrong)
        : table_(table),
          environment_(environment),
          wrong_(wrong) {
        group_.settings = beginning(base, table.key);
    }

    toml_group read() && {
        check_keys();
        read_options();
        for (const toml_key& one : toml_keys())
            if (const toml_entry* entry = find(one.name))
                take(*entry, one.type,
                     [&](const std::string& value) { return one.take(group_.settings, value); });
        finish();
        return std::move(group_);
    }

  private:
    const toml_entry* find(std::string_view key) const {
        auto found = std::ranges::find(table_.value.entries, key, &toml_entry::key);
        return found == table_.value.entries.end() ? nullptr : &*found;
    }

    void complain(text_position at, std::string_view key, const std::string& what) {
        wrong_.push_back({at, "key " + quote(key) + ": " + what});
    }

    // Keys

    void check_keys() {
        std::vector<std::string> known = key_names();
        for (const toml_entry& entry : table_.value.entries)
            if (std::ranges::find(known, entry.key) == known.end())
                complain(entry.at, entry.key, why_unknown(entry, known));
        for (rival_keys row : rivals())
            check_rivals(row);
    }

    std::string why_unknown(const toml_entry& entry, const std::vector<std::string>& known) const {
        if (entry.value.kind == toml_kind::table)
            return "a group cannot contain tables; quote a name that contains a dot, as in [\"" +
                   table_.key + "." + entry.key + "\"]";
        std::string dashed = entry.key;
        std::ranges::replace(dashed, '_', '-');
        const option* ours = find_option(dashed);
        if (ours && !ours->of_workers) return "concerns the master: use its option --" + dashed;
        std::string hint = core::did_you_mean(entry.key, known);
        return "is unknown" + (hint.empty() ? ": see einhyrningsins.toml(5) for all keys" : hint);
    }

    void check_rivals(rival_keys row) {
        const toml_entry* first = nullptr;
        for (const char* name : row) {
            const toml_entry* entry = find(name);
            if (entry && first)
                complain(
                    std::max(first->at, entry->at), first->at < entry->at ? entry->key : first->key,
                    "means the same as " + quote(first->at < entry->at ? first->key : entry->key) +
                        " in line " + std::to_string(std::min(first->at, entry->at).line) +
                        ": leave one of them out");
            if (!first) first = entry;
        }
    }

    // Values

    void read_options() {
        std::vector<const option*> there = options_in_files();
        std::erase_if(there, [this](const option* one) { return !find(key_of(*one)); });
        for (const option* one : there)
            forget_values(group_.settings, *one);
        request_kind unasked = request_kind::run;
        master_settings untouched;
        draft into{unasked, untouched, group_.settings};
        for (const option* one : there)
            take(*find(key_of(*one)), type_of(*one),
                 [&](const std::string& value) { return one->take(into, value); });
    }

    /// Checks the type of a value and stores it.
    void take(const toml_entry& entry, key_type type, const taker& taken) {
        switch (type) {
        case key_type::text: return take_one(entry.key, entry.value, is_text, "a string", taken);
        case key_type::scalar:
            return take_one(entry.key, entry.value, is_scalar, "a number or a string", taken);
        case key_type::name:
            return take_one(entry.key, entry.value, is_item, "a number or a string", taken);
        case key_type::flag:
            return take_one(entry.key, entry.value, is_flag, "true or false", taken);
        case key_type::list:
            return take_list(entry, {is_text, "a string"}, "an array of strings", taken);
        case key_type::places:
            return take_list(entry, {is_item, "a string or a port"}, "an array of strings or ports",
                             taken);
        case key_type::command:
            if (is_text(entry.value.kind)) return take_command(entry, taken);
            if (entry.value.kind == toml_kind::list && entry.value.items.empty())
                return complain(entry.value.at, entry.key, "is empty: name a program");
            return take_list(entry, {is_text, "a string"}, "an array of strings, or a string",
                             taken);
        }
    }

    static bool is_text(toml_kind kind) { return kind == toml_kind::text; }
    static bool is_item(toml_kind kind) { return is_text(kind) || kind == toml_kind::integer; }
    static bool is_scalar(toml_kind kind) { return is_item(kind) || kind == toml_kind::real; }
    static bool is_flag(toml_kind kind) { return kind == toml_kind::flag; }

    void take_one(const std::string& key, const toml_value& value, bool (*fits)(toml_kind),
                  const char* wanted, const taker& taken) {
        if (!fits(value.kind))
            return complain(value.at, key,
                            std::string("is ") + with_article(value.kind) + ": it must be " +
                                wanted);
        if (value.text.find('\0') != value.text.npos)
            return complain(value.at, key, "contains a null character, which is not allowed");
        if (auto why = taken(value.text)) complain(value.at, key, *why);
    }

    struct item_type {
        bool (*fits)(toml_kind);
        const char* wanted;
    };
    void take_list(const toml_entry& entry, item_type each, const char* wanted,
                   const taker& taken) {
        if (entry.value.kind != toml_kind::list)
            return complain(entry.value.at, entry.key,
                            std::string("is ") + with_article(entry.value.kind) + ": it must be " +
                                wanted);
        for (const toml_value& item : entry.value.items)
            take_one(entry.key, item, each.fits, each.wanted, taken);
    }

    /// `environments` has been read already: it is the first key of the table.
    void take_command(const toml_entry& entry, const taker& taken) {
        auto split = [&](const std::string& text) -> complaint {
            auto words = split_shell_words(text, [this](std::string_view name) {
                auto own = find_variable(group_.settings.environment, name);
                return own ? own : find_variable(environment_, name);
            });
            if (!words) return words.error().message;
            if (words->empty()) return "is empty: name a program";
            for (const std::string& word : *words)
                if (auto why = taken(word)) return why;
            return std::nullopt;
        };
        take_one(entry.key, entry.value, is_text, "a string", split);
    }

    // Rules about several keys

    void finish() {
        group_settings& group = group_.settings;
        if (!find("cmd") && !find("exec_start"))
            wrong_.push_back({table_.at, "group " + quote(table_.key) +
                                             ": key 'cmd' is missing: write cmd = [\"PROGRAM\"]"});
        const toml_entry* interval = find("upgrader_active_sec");
        if (interval && group.upgrader_interval != core::duration::zero() && !find("upgrader"))
            complain(interval->at, interval->key,
                     "there is no upgrader to run: set upgrader as well");
        const toml_entry *mode = find("ack_mode"), *timeout = find("ack_timeout");
        if (mode && timeout && std::holds_alternative<core::ack_timer>(group.policy.ack))
            complain(timeout->at, timeout->key,
                     "'ack_mode' already sets the time: leave this key out");
        group.policy.stop_command = !group.stop_command.empty();
        if (group.listeners.empty()) group.policy.on_demand = false;
        for (const char* key : {"socket_address", "bind"})
            if (const toml_entry* entry = find(key)) {
                group_.listeners_key = key;
                group_.listeners_at = entry->at;
            }
        group_.control_socket_at = position_of("control_socket");
        group_.stdout_log_at = position_of("stdout_log");
        group_.stderr_log_at = position_of("stderr_log");
    }

    text_position position_of(std::string_view key) const {
        const toml_entry* entry = find(key);
        return entry ? entry->at : text_position{};
    }

    const toml_entry& table_;
    const std::vector<std::string>& environment_;
    std::vector<toml_complaint>& wrong_;
    toml_group group_;
};

} // namespace

toml_group read_toml_group(const toml_entry& table, const group_settings& base,
                           const std::vector<std::string>& environment,
                           std::vector<toml_complaint>& wrong) {
    return reader(table, base, environment, wrong).read();
}

} // namespace einhyrningsins::config
