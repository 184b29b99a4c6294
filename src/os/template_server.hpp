// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

namespace einhyrningsins::os {

/// What main() does after template_word: loads a shared object and forks workers from this process
/// whenever the master asks for one, until the master has closed the control socket. The words:
///
///     einhyrningsins --preload-template CONTROL FLAGS OBJECT PROGRAM [ARGS...]
///
/// CONTROL is the number of the socket to the master, one after the last listener. FLAGS begins
/// with '-', followed by 'g' if each worker is given a descriptor of its own under that number, and
/// by 'k' if workers die with the master; what comes after a ':' is the name of a variable whose
/// value ends with a worker's index. A worker runs the object's
///
///     extern "C" int einhorn_main(int argc, char** argv)
///
/// with PROGRAM as argv[0] and ends with what that returns. Returns the exit code, also of workers.
int run_template(int argc, char** argv);

} // namespace einhyrningsins::os
