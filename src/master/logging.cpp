// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/logging.hpp"

#include "master/log_output.hpp"
#include "os/credentials.hpp"

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <boost/log/core.hpp>
#include <boost/log/expressions.hpp>
#include <boost/log/sinks/basic_sink_backend.hpp>
#include <boost/log/sinks/sync_frontend.hpp>
#include <boost/log/sinks/syslog_backend.hpp>
#include <boost/log/sinks/unlocked_frontend.hpp>
#include <boost/log/sources/record_ostream.hpp>
#include <boost/log/sources/severity_logger.hpp>
#include <boost/log/utility/manipulators/add_value.hpp>
#include <boost/smart_ptr/make_shared.hpp>

#include <ctime>
#include <memory>

namespace einhyrningsins::master {
namespace {

namespace blog = boost::log;
namespace json = boost::json;
using core::severity;

struct style {
    const char* name;
    const char* colour;
};

style style_of(severity level) {
    switch (level) {
    case severity::debug: return {"debug", "\033[2m"};
    case severity::info: return {"info", ""};
    case severity::warning: return {"warning", "\033[33m"};
    case severity::error: break;
    }
    return {"error", "\033[31m"};
}

/// "2026-11-21T04:47:11.123Z"
std::string timestamp() {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    tm parts{};
    gmtime_r(&now.tv_sec, &parts);
    char text[40];
    std::size_t length = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    std::snprintf(text + length, sizeof text - length, ".%03ldZ", now.tv_nsec / 1'000'000);
    return text;
}

struct line {
    severity level;
    std::string_view group;
    std::string_view text;
};

/// What a worker or a client sent must not break the line or reach a terminal raw.
std::string printable(std::string_view text) {
    std::string result(text);
    for (char& c : result)
        if (static_cast<unsigned char>(c) < ' ' || c == '\177') c = '?';
    return result;
}

std::string as_text(const line& what, bool coloured) {
    style look = style_of(what.level);
    std::string result = timestamp() + " " + look.name + ": ";
    if (!what.group.empty()) result.append(what.group).append(": ");
    result = printable(result.append(what.text));
    if (coloured && *look.colour) result = look.colour + result + "\033[0m";
    return result + "\n";
}

/// einhorn has three levels. Warnings are none of its errors: most are about workers that died.
std::string as_einhorn(const line& what, bool) {
    const char* level = what.level == severity::debug   ? "DEBUG"
                        : what.level == severity::error ? "ERROR"
                                                        : "INFO";
    std::string tag = "[MASTER " + std::to_string(os::own_process()) + "] " + level + ": ";
    return tag + printable(what.text) + "\n";
}

std::string as_json(const line& what, bool) {
    json::object record{{"time", timestamp()}, {"level", style_of(what.level).name}};
    if (!what.group.empty())
        record["group"] = json::string_view(what.group.data(), what.group.size());
    record["message"] = json::string_view(what.text.data(), what.text.size());
    return json::serialize(record) + "\n";
}

using line_format = std::string (*)(const line& what, bool coloured);

line_format format_for(const config::master_settings& wishes) {
    if (wishes.log_format == config::log_format::json) return as_json;
    return config::traits_of(wishes.personality).logs_as_einhorn ? as_einhorn : as_text;
}

/// Boost.Log's way to standard error.
class standard_error : public blog::sinks::basic_sink_backend<blog::sinks::concurrent_feeding> {
  public:
    standard_error(boost::asio::io_context& context, line_format format)
        : output_(context),
          format_(format) {
        output_.on_recovery([](std::size_t lost) {
            log(severity::warning, "",
                std::to_string(lost) + " log lines were dropped: nobody read standard error");
        });
    }

    void consume(const blog::record_view& record) {
        auto text = record[blog::expressions::smessage];
        auto level = record.attribute_values()["Severity"].extract<severity>();
        auto group = record.attribute_values()["Group"].extract<std::string_view>();
        output_.write(format_({*level, *group, *text}, output_.is_terminal()));
    }

    log_output& output() { return output_; }

  private:
    log_output output_;
    line_format format_;
};

boost::shared_ptr<standard_error> console;

blog::sinks::syslog::level syslog_level(severity level) {
    return level == severity::error ? blog::sinks::syslog::error : blog::sinks::syslog::warning;
}

void add_syslog() {
    using backend = blog::sinks::syslog_backend;
    auto sink = boost::make_shared<blog::sinks::synchronous_sink<backend>>(
        blog::keywords::facility = blog::sinks::syslog::daemon,
        blog::keywords::use_impl = blog::sinks::syslog::native,
        blog::keywords::ident = "einhyrningsins");
    sink->set_filter([](const blog::attribute_value_set& values) {
        return *values["Severity"].extract<severity>() >= severity::warning;
    });
    sink->set_formatter([](const blog::record_view& record, blog::formatting_ostream& out) {
        auto group = record.attribute_values()["Group"].extract<std::string_view>();
        if (!group->empty()) out << *group << ": ";
        out << *record[blog::expressions::smessage];
    });
    sink->locked_backend()->set_severity_mapper([](const blog::record_view& record) {
        return syslog_level(*record.attribute_values()["Severity"].extract<severity>());
    });
    blog::core::get()->add_sink(sink);
}

severity least = severity::info;
severity deprecation = severity::warning;

} // namespace

void set_up_logging(boost::asio::io_context& context, const config::master_settings& wishes) {
    using enum config::verbosity;
    set_log_level(wishes.verbosity == verbose ? severity::debug
                  : wishes.verbosity == quiet ? severity::error
                                              : severity::info);
    using sink = blog::sinks::unlocked_sink<standard_error>;
    console = boost::make_shared<standard_error>(context, format_for(wishes));
    deprecation =
        config::traits_of(wishes.personality).logs_as_einhorn ? severity::error : severity::warning;
    blog::core::get()->add_sink(boost::make_shared<sink>(console));
    if (wishes.syslog) add_syslog();
}

void end_logging() {
    blog::core::get()->remove_all_sinks();
    console.reset();
}

std::string unwritten_log() { return console->output().unwritten(); }

void write_log(std::string_view lines) {
    if (!lines.empty()) console->output().write(lines);
}

const char* level_name(severity level) { return style_of(level).name; }

core::severity log_level() { return least; }

void set_log_level(core::severity level) { least = level; }

void log_deprecation(std::string_view text) { log(deprecation, "", text); }

void log(severity level, std::string_view group, std::string_view text) {
    if (level < least) return;
    static blog::sources::severity_logger<severity> logger;
    BOOST_LOG_SEV(logger, level) << blog::add_value("Group", group) << text;
}

} // namespace einhyrningsins::master
