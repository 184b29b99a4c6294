// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

namespace einhyrningsins::os {

/// The main function of a template process: loads a shared object and forks a worker whenever the
/// master requests one, until the master closes the control socket. The command line is
///
///     einhyrningsins --preload-template CONTROL FLAGS OBJECT PROGRAM [ARGS...]
///
/// CONTROL is the descriptor of the control socket, the one after the last listener. FLAGS begins
/// with '-', followed by 'g' if each worker gets a descriptor with that number, and by 'k' if
/// workers die with the master; a ':' is followed by the name of a variable whose value ends with
/// the index of the worker. A worker runs this function of the object
///
///     extern "C" int einhorn_main(int argc, char** argv)
///
/// with PROGRAM as argv[0], and exits with what it returns. Returns the exit code of the template
/// process and, in a worker, that of the worker.
int run_template(int argc, char** argv);

} // namespace einhyrningsins::os
