// SPDX-License-Identifier: GPL-3.0-or-later
#include "config/command_line.hpp"
#include "config/option.hpp"

namespace einhyrningsins::config {
namespace {

constexpr std::size_t help_column = 32;

std::string entry(char letter, const std::string& name, const char* argument,
                  std::string_view help) {
    std::string text = letter ? std::string("  -") + letter + ", --" : std::string("      --");
    text += name;
    if (argument) text += std::string(" ") + argument;
    text += text.size() + 2 > help_column ? "\n" + std::string(help_column, ' ')
                                          : std::string(help_column - text.size(), ' ');
    for (char c : help) {
        text += c;
        if (c == '\n') text.append(help_column, ' ');
    }
    return text + "\n";
}

} // namespace

std::string describe(std::span<const option> options) {
    std::string text;
    for (const option& one : options) {
        if (one.heading) text += std::string("\n") + one.heading + ":\n";
        text += entry(one.letter, one.name, one.argument, one.help);
    }
    return text;
}

std::string help_text() {
    std::string text =
        "Usage: einhyrningsins [OPTIONS] [--] PROGRAM [ARGS...]\n"
        "       einhyrningsins [OPTIONS] --config FILE\n"
        "\n"
        "Binds sockets, runs COUNT copies of PROGRAM on them, keeps them running, and\n"
        "replaces them without losing a connection.\n";
    text += describe(options());
    text += "\n"
            "Examples:\n"
            "  einhyrningsins -n 4 -b :8080,r -- ./app\n"
            "  einhyrningsins -c web -m -b /run/web.sock,mode=0660 ./app --its-own-option\n"
            "  einhyrningsinsctl upgrade\n"
            "\n"
            "See einhyrningsins(1), einhyrningsins.toml(5), einhyrningsinsctl(1), "
            "einhyrningsins-protocol(7).\n";
    return text;
}

} // namespace einhyrningsins::config
