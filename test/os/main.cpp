// SPDX-License-Identifier: GPL-3.0-or-later
#define BOOST_TEST_MODULE os
#include "os/template_process.hpp"
#include "os/template_server.hpp"

#include <boost/test/unit_test.hpp>

#include <unistd.h>

/// A template process executes the program that started it, here this one, again. The main() of
/// Boost.Test cannot be extended for that, but a function that is called before it gets the command
/// line as well.
__attribute__((constructor)) static void be_a_template_process(int argc, char** argv) {
    using namespace einhyrningsins;
    if (argc > 1 && argv[1] == os::template_word) ::_exit(os::run_template(argc, argv));
}
