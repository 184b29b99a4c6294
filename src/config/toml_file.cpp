// SPDX-License-Identifier: GPL-3.0-or-later
#include "config/toml_file.hpp"

#include "config/group_name.hpp"
#include "config/quote.hpp"
#include "config/toml_group.hpp"
#include "core/printable.hpp"

#include <algorithm>
#include <filesystem>
#include <map>
#include <utility>

namespace einhyrningsins::config {
namespace {

constexpr std::size_t most_complaints = 1000;

/// One line for each error, in the order of the file.
complaints write_out(const std::string& file, std::vector<toml_complaint> all) {
    std::ranges::stable_sort(all, {}, &toml_complaint::at);
    complaints lines;
    for (const toml_complaint& one : all) {
        if (lines.size() == most_complaints) {
            lines.push_back(file + ": and " + std::to_string(all.size() - most_complaints) +
                            " more errors");
            break;
        }
        lines.push_back(core::printable(file + ":" + std::to_string(one.at.line) + ":" +
                                        std::to_string(one.at.column) + ": " + one.what));
    }
    return lines;
}

/// Why an entry of the top level is not a group; nothing: it is one.
std::optional<std::string> why_no_group(const toml_entry& entry) {
    std::string key = "key " + quote(entry.key) + ": ";
    const toml_value& value = entry.value;
    if (value.kind == toml_kind::list && !value.items.empty() &&
        value.items[0].kind == toml_kind::table)
        return key + "a group exists only once: write [" + entry.key + "] instead of [[" +
               entry.key + "]]";
    if (value.kind != toml_kind::table)
        return key + "is not in a group: write it below a line like [web]";
    if (!is_group_name(entry.key)) return "group " + quote(entry.key) + no_group_name;
    return std::nullopt;
}

/// Detects conflicts between groups: a listener or control socket can be used only once, and a log
/// file must have the same rotation everywhere.
class claims {
  public:
    void make(const toml_group& by, std::vector<toml_complaint>& wrong) {
        for (const bind_spec& spec : by.settings.listeners)
            claim(place_of(spec), "key " + quote(by.listeners_key) + ": " + quote(spec.text),
                  by.listeners_at, by, wrong);
        const std::string& path = by.settings.control_socket;
        if (!path.empty())
            claim("path " + path, "key 'control_socket': " + quote(path), by.control_socket_at, by,
                  wrong);
        if (by.settings.stdout_log)
            claim_log("stdout_log", *by.settings.stdout_log, by.stdout_log_at, by, wrong);
        if (by.settings.stderr_log)
            claim_log("stderr_log", *by.settings.stderr_log, by.stderr_log_at, by, wrong);
    }

  private:
    void claim(const std::string& place, const std::string& name, text_position at,
               const toml_group& by, std::vector<toml_complaint>& wrong) {
        if (place.empty()) return;
        auto [known, is_new] = taken_.try_emplace(place, by.settings.name);
        if (is_new) return;
        bool own = known->second == by.settings.name;
        wrong.push_back({at, name + " is used " +
                                 (own ? "twice" : "by group " + quote(known->second) + " as well") +
                                 ": give each its own"});
    }

    void claim_log(const char* key, const log_spec& spec, text_position at, const toml_group& by,
                   std::vector<toml_complaint>& wrong) {
        std::string path = std::filesystem::path(spec.path).lexically_normal();
        auto [known, is_new] = logs_.try_emplace(path, by.settings.name, spec);
        const auto& [group, rule] = known->second;
        if (is_new || (rule.rotate == spec.rotate && rule.backups == spec.backups)) return;
        wrong.push_back({at, "key " + quote(key) + ": " + quote(spec.text) + ": group " +
                                 quote(group) + " rotates the same file differently, by " +
                                 quote(rule.text) + ": write the same for both"});
    }

    std::map<std::string, std::string> taken_;                     ///< the group that uses a place
    std::map<std::string, std::pair<std::string, log_spec>> logs_; ///< group and rotation by path
};

} // namespace

boost::system::result<std::vector<group_settings>, complaints>
read_toml_file(const toml_file& from) {
    auto document = parse_toml(from.text);
    if (!document) return write_out(from.name, {{document.error().at, document.error().what}});
    std::vector<toml_complaint> wrong;
    std::vector<group_settings> groups;
    claims all_claims;
    for (const toml_entry& entry : document->entries) {
        if (auto why = why_no_group(entry)) {
            wrong.push_back({entry.at, *why});
            continue;
        }
        toml_group group = read_toml_group(entry, from.base, from.environment, wrong);
        all_claims.make(group, wrong);
        groups.push_back(std::move(group.settings));
    }
    if (document->entries.empty())
        wrong.push_back({{}, "there is no group: write [NAME], and cmd = [\"PROGRAM\"] below it"});
    if (!wrong.empty()) return write_out(from.name, std::move(wrong));
    return groups;
}

} // namespace einhyrningsins::config
