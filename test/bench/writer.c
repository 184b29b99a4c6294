// SPDX-License-Identifier: GPL-3.0-or-later
//
// Writes BYTES of lines of 100 bytes to standard output, PIECE bytes at a time, once the file GATE is there.
//
//   writer BYTES PIECE GATE
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv) {
    if (argc != 4) return 2;
    long bytes = atol(argv[1]);
    long piece = atol(argv[2]);
    char *text = malloc((size_t)piece);
    if (!text) return 1;
    for (long n = 0; n < piece; ++n)
        text[n] = (char)(n % 100 == 99 ? '\n' : 'a' + n % 26);
    while (access(argv[3], F_OK) != 0)
        usleep(1000);
    while (bytes > 0) {
        long most = bytes < piece ? bytes : piece;
        long written = write(1, text, (size_t)most);
        if (written <= 0) return 1;
        bytes -= written; // a short write only shifts the lines
    }
    return 0;
}
