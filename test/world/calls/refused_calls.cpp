// SPDX-License-Identifier: GPL-3.0-or-later
//
// Calls that are not simulated: libraries contain them, and the program does not make them in any
// history. One that does has to be written first.
#include "world/calls/call.hpp"

#include <string>

#include <sys/types.h>

#define REFUSED_CALL(name)                                                                         \
    extern "C" long __real_##name(long, long, long, long, long, long);                             \
    extern "C" long __wrap_##name(long, long, long, long, long, long);                             \
    extern "C" long __wrap_##name(long a, long b, long c, long d, long e, long f) {                \
        if (!simulation()) return __real_##name(a, b, c, d, e, f);                                 \
        simulation()->complain(#name ", which is not simulated");                                  \
        return answer(-ENOSYS);                                                                    \
    }

namespace einhyrningsins::world {

REFUSED_CALL(accept)
REFUSED_CALL(dlopen)
REFUSED_CALL(gethostname)
REFUSED_CALL(getnameinfo)
REFUSED_CALL(getpeername)
REFUSED_CALL(if_indextoname)
REFUSED_CALL(if_nametoindex)
REFUSED_CALL(pause)
REFUSED_CALL(pthread_create)
REFUSED_CALL(readv)
REFUSED_CALL(recvfrom)
REFUSED_CALL(select)
REFUSED_CALL(sendmsg)
REFUSED_CALL(shutdown)
REFUSED_CALL(signal)
REFUSED_CALL(tcgetattr)
REFUSED_CALL(tcsetattr)
REFUSED_CALL(writev)

} // namespace einhyrningsins::world
