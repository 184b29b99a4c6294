// SPDX-License-Identifier: GPL-3.0-or-later
#include "master/logging.hpp"

#include "core/printable.hpp"
#include "os/background.hpp"
#include "os/credentials.hpp"
#include "os/syslog_client.hpp"
#include "output/log_output.hpp"
#include "protocol/json_text.hpp"

#include <boost/json/value.hpp>
#include <boost/log/attributes/attribute_value_impl.hpp>
#include <boost/log/core.hpp>
#include <boost/log/expressions.hpp>
#include <boost/log/sinks/basic_sink_backend.hpp>
#include <boost/log/sinks/sync_frontend.hpp>
#include <boost/log/sources/record_ostream.hpp>
#include <boost/log/sources/severity_logger.hpp>
#include <boost/smart_ptr/make_shared.hpp>

#include <ctime>
#include <memory>

namespace einhyrningsins::master {

namespace blog = boost::log;
using core::severity;

// ---- What a record carries ----

namespace {

BOOST_LOG_ATTRIBUTE_KEYWORD(time_of, "TimeStamp", timespec)
BOOST_LOG_ATTRIBUTE_KEYWORD(severity_of, "Severity", severity)
BOOST_LOG_ATTRIBUTE_KEYWORD(group_of, "Group", std::string)
BOOST_LOG_ATTRIBUTE_KEYWORD(event_of, "Event", std::string_view)
BOOST_LOG_ATTRIBUTE_KEYWORD(index_of, "Index", unsigned)
BOOST_LOG_ATTRIBUTE_KEYWORD(worker_pid_of, "WorkerPid", core::process_id)
BOOST_LOG_ATTRIBUTE_KEYWORD(generation_of, "Generation", core::generation)

template <class Keyword>
void add(blog::record& record, const Keyword&, typename Keyword::value_type value) {
    record.attribute_values().insert(Keyword::get_name(),
                                     blog::attributes::make_attribute_value(std::move(value)));
}

void add_attributes(blog::record& record, const log_subject& about) {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    add(record, time_of, now);
    if (!about.group.empty()) add(record, group_of, core::printable(about.group));
    if (!about.of.event.empty()) add(record, event_of, about.of.event);
    if (about.of.index) add(record, index_of, *about.of.index);
    if (about.of.pid > 0) add(record, worker_pid_of, about.of.pid);
    if (about.of.generation > 0) add(record, generation_of, about.of.generation);
}

// ---- How it is shown ----

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
std::string timestamp(const timespec& when) {
    tm parts{};
    gmtime_r(&when.tv_sec, &parts);
    char text[40];
    std::size_t length = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    std::snprintf(text + length, sizeof text - length, ".%03ldZ", when.tv_nsec / 1'000'000);
    return text;
}

void show_message(const blog::record_view& record, blog::formatting_ostream& to) {
    if (auto group = record[group_of]) to << *group << ": ";
    to << *record[blog::expressions::smessage];
}

void show_line(const blog::record_view& record, blog::formatting_ostream& to) {
    to << timestamp(*record[time_of]) << " " << style_of(*record[severity_of]).name << ": ";
    show_message(record, to);
}

void show_text(const blog::record_view& record, blog::formatting_ostream& to) {
    show_line(record, to);
    to << "\n";
}

void show_coloured(const blog::record_view& record, blog::formatting_ostream& to) {
    const char* colour = style_of(*record[severity_of]).colour;
    to << colour;
    show_line(record, to);
    to << (*colour ? "\033[0m\n" : "\n");
}

/// einhorn has three levels. Warnings are none of its errors: most are about workers that died.
void show_short(const blog::record_view& record, blog::formatting_ostream& to) {
    severity level = *record[severity_of];
    to << "[MASTER " << os::own_process() << "] "
       << (level == severity::debug   ? "DEBUG"
           : level == severity::error ? "ERROR"
                                      : "INFO")
       << ": " << *record[blog::expressions::smessage] << "\n";
}

template <class Keyword>
void add_member(boost::json::object& to, const char* name, const blog::record_view& record,
                const Keyword& keyword) {
    if (auto value = record[keyword]) to[name] = *value;
}

void show_json(const blog::record_view& record, blog::formatting_ostream& to) {
    boost::json::object line{{"time", timestamp(*record[time_of])},
                             {"level", style_of(*record[severity_of]).name}};
    add_member(line, "group", record, group_of);
    add_member(line, "index", record, index_of);
    add_member(line, "worker_pid", record, worker_pid_of);
    add_member(line, "generation", record, generation_of);
    if (auto event = record[event_of])
        line["event"] = boost::json::string_view(event->data(), event->size());
    line["message"] = *record[blog::expressions::smessage];
    to << protocol::json_text(line) << "\n";
}

// ---- Where it goes ----

namespace sinks = blog::sinks;
template <class Requirement>
using backend_of = sinks::basic_formatted_sink_backend<char, Requirement>;

/// Standard error, which is never waited for.
class standard_error : public backend_of<sinks::synchronized_feeding> {
  public:
    explicit standard_error(boost::asio::io_context& context) : output_(context) {
        output_.on_recovery([](std::size_t lost) {
            log(severity::warning, {.of = {.event = "lines_dropped"}},
                std::to_string(lost) + " log lines were dropped: standard error did not take them, "
                                       "or there was no memory");
        });
    }

    void consume(const blog::record_view&, const std::string& line) { output_.write(line); }

    output::log_output& output() { return output_; }

  private:
    output::log_output output_;
};

/// The syslog daemon, for warnings and errors.
class syslog_daemon : public backend_of<sinks::synchronized_feeding> {
  public:
    void consume(const blog::record_view& record, const std::string& line) {
        using enum os::syslog_client::level;
        daemon_.send(*record[severity_of] == severity::error ? error : warning, line);
    }

  private:
    os::syslog_client daemon_{"einhyrningsins"};
};

using formatter = void (*)(const blog::record_view&, blog::formatting_ostream&);

formatter formatter_for(const config::master_settings& wishes, bool is_terminal) {
    if (wishes.log_format == config::log_format::json) return show_json;
    if (config::traits_of(wishes.personality).has_short_log_lines) return show_short;
    return is_terminal ? show_coloured : show_text;
}

/// How long end_logging() waits for the file that standard error is.
constexpr auto longest_farewell = std::chrono::seconds(2);

boost::shared_ptr<standard_error> console;
severity least = severity::info;
severity deprecation = severity::warning;

void add_console(boost::asio::io_context& context, const config::master_settings& wishes) {
    console = boost::make_shared<standard_error>(context);
    auto sink = boost::make_shared<sinks::synchronous_sink<standard_error>>(console);
    sink->set_formatter(
        [show = formatter_for(wishes, console->output().is_terminal())](
            const blog::record_view& record, blog::formatting_ostream& to) { show(record, to); });
    blog::core::get()->add_sink(sink);
}

void add_syslog() {
    auto sink = boost::make_shared<sinks::synchronous_sink<syslog_daemon>>();
    sink->set_filter(severity_of >= severity::warning);
    sink->set_formatter([](const blog::record_view& record, blog::formatting_ostream& to) {
        show_message(record, to);
    });
    blog::core::get()->add_sink(sink);
}

} // namespace

void set_up_logging(boost::asio::io_context& context, const config::master_settings& wishes) {
    deprecation = config::traits_of(wishes.personality).has_short_log_lines ? severity::error
                                                                            : severity::warning;
    add_console(context, wishes);
    if (wishes.syslog) add_syslog();
    os::background::on_shortage([](const os::os_error& why) {
        log(severity::warning, {.of = {.event = "no_helper_thread"}},
            why.message() + "; until one can be started the master itself waits for disks and name "
                            "servers");
    });
}

void end_logging() {
    if (!console) return; // it was never set up
    console->output().finish(longest_farewell);
    os::background::on_shortage(nullptr);
    blog::core::get()->remove_all_sinks();
    console.reset();
}

void settle_log(core::duration longest, std::function<void(os::result<void>)> settled) {
    console->output().settle(longest, std::move(settled));
}

void resume_log() {
    if (console) console->output().resume();
}

std::string unwritten_log() { return console->output().unwritten(); }

std::size_t dropped_log_lines() { return console->output().dropped(); }

void continue_log(std::string_view unwritten, std::size_t dropped) {
    console->output().note_dropped(dropped);
    console->output().continue_with(unwritten);
}

const char* level_name(severity level) { return style_of(level).name; }

core::severity log_level() { return least; }

void set_log_level(core::severity level) { least = level; }

namespace {

void push(severity level, const log_subject& about, std::string_view text) {
    static blog::sources::severity_logger<severity> logger;
    blog::record record = logger.open_record(blog::keywords::severity = level);
    if (!record) return;
    add_attributes(record, about);
    blog::record_ostream stream(record);
    stream << core::printable(text);
    stream.flush();
    blog::core::get()->push_record(std::move(record));
    if (console) console->output().tell_dropped();
}

void note_dropped() {
    if (console) console->output().note_dropped();
}

std::string text_of(const char* why) noexcept {
    try {
        return why;
    } catch (...) {
        return "no memory"; // so short a text needs none
    }
}

} // namespace

void log(severity level, const log_subject& about, std::string_view text) noexcept {
    if (level < least) return;
    try {
        push(level, about, text);
    } catch (...) {
        note_dropped();
    }
}

void log(severity level, std::string_view group, std::string_view text) noexcept {
    log(level, log_subject{.group = group}, text);
}

void log(std::string_view group, const core::report& report) noexcept {
    severity level = core::severity_of(report);
    if (level < least) return;
    try {
        push(level, {group, core::subject_of(report)}, core::to_string(report));
    } catch (...) {
        note_dropped();
    }
}

void log_deprecation(std::string_view text) noexcept { log(deprecation, "", text); }

void log_unexpected(std::string_view group, const char* why) noexcept {
    try {
        push(severity::error, {.group = group},
             std::string("unexpected exception, continuing: ") + why);
    } catch (...) {
        note_dropped();
    }
}

std::optional<std::string> attempt(std::string_view group,
                                   const std::function<void()>& deed) noexcept {
    std::string reason;
    try {
        deed();
        return std::nullopt;
    } catch (const std::exception& unexpected) {
        reason = text_of(unexpected.what());
    } catch (...) {
        reason = "an unknown exception";
    }
    log_unexpected(group, reason.c_str());
    return reason;
}

} // namespace einhyrningsins::master
