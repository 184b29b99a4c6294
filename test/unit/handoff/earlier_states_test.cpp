// SPDX-License-Identifier: GPL-3.0-or-later
//
// States that masters of earlier versions have handed over (states/, named after the version).
// Every later version must read them with the same meaning. They are never edited; a member that is
// now written differently is one that rewritten() knows.
#include "handoff/text.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/test/unit_test.hpp>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace einhyrningsins;
namespace json = boost::json;

std::vector<std::filesystem::path> files() {
    auto folder = std::filesystem::path(__FILE__).parent_path() / "states";
    BOOST_REQUIRE_MESSAGE(std::filesystem::is_directory(folder),
                          folder << " is not there: run this from the top of the sources");
    std::vector<std::filesystem::path> found;
    for (const auto& entry : std::filesystem::directory_iterator(folder))
        found.push_back(entry.path());
    return found;
}

std::string content(const std::filesystem::path& path) {
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
}

json::value as_json(const std::string& text) {
    json::parse_options lenient;
    lenient.allow_invalid_utf8 = true;
    return json::parse(text, {}, lenient);
}

/// Where `now` does not say what `then` has said; members that only `now` has are new.
std::string difference(const json::value& then, const json::value& now) {
    if (then.is_object() && now.is_object()) {
        for (const auto& [name, value] : then.get_object()) {
            const json::value* same = now.get_object().if_contains(name);
            if (!same) return "." + std::string(name) + " is lost";
            if (auto inner = difference(value, *same); !inner.empty())
                return "." + std::string(name) + inner;
        }
        return {};
    }
    if (then.is_array() && now.is_array() && then.get_array().size() == now.get_array().size()) {
        for (std::size_t place = 0; place < then.get_array().size(); ++place)
            if (auto inner = difference(then.get_array()[place], now.get_array()[place]);
                !inner.empty())
                return "." + std::to_string(place) + inner;
        return {};
    }
    return then == now ? "" : " was " + json::serialize(then) + ", is " + json::serialize(now);
}

/// The language of a client, which two flags said once.
void rewrite_dialect(json::value& client) {
    json::object& members = client.as_object();
    bool einhorn = members.at("einhorn").as_bool();
    bool firestarter = members.contains("firestarter") && members.at("firestarter").as_bool();
    members["dialect"] = einhorn ? "einhorn" : firestarter ? "firestarter" : "einhyrningsins";
    members.erase("einhorn");
    members.erase("firestarter");
}

/// A state of an earlier version with the members that are written in another form today.
json::value rewritten(json::value then) {
    json::object& all = then.as_object();
    if (json::value* requests = all.if_contains("wishes")) {
        json::value moved = std::move(*requests);
        all.erase("wishes");
        all["requests"] = std::move(moved);
        for (json::value& one : all["requests"].as_array())
            rewrite_dialect(one);
        for (json::value& one : all["watches"].as_array())
            rewrite_dialect(one);
    }
    return then;
}

handoff::state state_of(const std::string& name) {
    for (const auto& path : files())
        if (path.filename() == name) {
            auto state = handoff::parse(content(path));
            BOOST_REQUIRE_MESSAGE(state, state.error());
            return std::move(*state);
        }
    BOOST_FAIL("there is no " + name);
    return {};
}

} // namespace

BOOST_AUTO_TEST_SUITE(handoff_earlier_states)

BOOST_AUTO_TEST_CASE(nothing_is_lost) {
    BOOST_TEST(files().size() >= 3U);
    for (const auto& path : files()) {
        std::string text = content(path);
        auto state = handoff::parse(text);
        BOOST_REQUIRE_MESSAGE(state, path << ": " << state.error());
        std::string lost = difference(rewritten(as_json(text)), as_json(handoff::to_text(*state)));
        BOOST_TEST(lost == "", path << lost);
    }
}

BOOST_AUTO_TEST_CASE(groups_in_every_situation) {
    handoff::state all = state_of("1.0.0-groups.json");
    auto group = [&](const std::string& name) -> const handoff::group& {
        for (const handoff::group& each : all.groups)
            if (each.settings.name == name) return each;
        throw std::out_of_range(name);
    };
    const handoff::group& web = group("web");
    BOOST_TEST(web.listeners.size() == 5U);
    BOOST_TEST(web.listeners.at(1).file->path == "/srv/web/web.sock");
    BOOST_TEST(web.listeners.at(2).name == "dns");
    BOOST_TEST(web.settings.listeners.at(0).text == "127.0.0.1:0,r,n");
    BOOST_TEST(web.state.workers.size() == 3U);
    BOOST_TEST(web.state.last_death->cause.number == 1);
    BOOST_REQUIRE(web.state.upgrade.has_value());
    BOOST_TEST(web.state.upgrade->previous.generation == 1U);
    BOOST_TEST(web.state.upgrade->failures.size() == 1U);
    BOOST_TEST(web.recipes.size() == 2U);
    BOOST_TEST(web.control->file.path == "/srv/web/web.control");
    BOOST_TEST(all.watches.at(0).groups.at(0) == "web");
    BOOST_TEST(group("users").recipes.at(0).identity->user == 65534U);
    BOOST_TEST(group("users").settings.stdout_log->path == "/srv/web/users.out");
    BOOST_TEST(all.logs.files.size() == 2U);
    BOOST_TEST(group("followed").upgrader->process->line == "half");
    BOOST_TEST(group("followed").program->version->size == 43888U);
    BOOST_TEST(group("stopping").stop_command.has_value());
    BOOST_TEST(group("notify").notify->fd > 2);
    BOOST_TEST(group("loading").preloads.at(0).waits.size() == 2U);
    BOOST_TEST(group("preloaded").preloads.at(0).loaded);
    BOOST_TEST((group("lazy").state.phase == core::group_phase::waiting));
    BOOST_TEST((group("given_up").state.phase == core::group_phase::given_up));
    BOOST_TEST((group("slow").state.workers.at(0).state == core::worker_state::starting));
}

BOOST_AUTO_TEST_CASE(personalities) {
    handoff::state einhorn = state_of("1.0.0-einhorn.json");
    BOOST_TEST((einhorn.master.personality == config::personality::einhorn));
    BOOST_TEST((einhorn.requests.at(0).upgrade == core::upgrade_mode::rolling));
    BOOST_TEST((einhorn.requests.at(0).dialect == config::dialect_name::einhorn));
    BOOST_TEST(einhorn.groups.at(0).settings.server_words == 1U);
    handoff::state firestarter = state_of("1.0.0-firestarter.json");
    BOOST_TEST((firestarter.master.personality == config::personality::firestarter));
    BOOST_TEST(firestarter.group_watches.at(0).before.size() == 2U);
    BOOST_TEST(firestarter.groups.at(0).configured->policy.stop_signal == SIGUSR2);
}

BOOST_AUTO_TEST_SUITE_END()
