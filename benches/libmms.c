/*
 * Fetches a stream with libmms and throws it away: what a client of others costs.
 *
 *     cc -O2 -Wall -Wextra -o libmms libmms.c -lmms
 *     libmms URL            mmst:// or mmsh://; prints the bytes that libmms handed out
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <libmms/mms.h>
#include <libmms/mmsh.h>

/* In bits per second: enough for libmms to take the best stream of each kind. */
#define BANDWIDTH (128 * 1024 * 1024)

static char buffer[256 * 1024];

int main(int argc, char **argv)
{
    int over_http = argc == 2 && strncmp(argv[1], "mmsh:", 5) == 0;
    uint64_t bytes = 0;
    mms_t *mms = NULL;
    mmsh_t *mmsh = NULL;
    int got;

    if (argc != 2) {
        fprintf(stderr, "usage: libmms URL\n");
        return 2;
    }
    if (over_http)
        mmsh = mmsh_connect(NULL, NULL, argv[1], BANDWIDTH);
    else
        mms = mms_connect(NULL, NULL, argv[1], BANDWIDTH);
    if (!mms && !mmsh) {
        fprintf(stderr, "libmms: no connection, or the server refused\n");
        return 3;
    }
    do {
        got = mms ? mms_read(NULL, mms, buffer, sizeof buffer) : mmsh_read(NULL, mmsh, buffer, sizeof buffer);
        bytes += got > 0 ? (uint64_t)got : 0;
    } while (got > 0);
    if (mms)
        mms_close(mms);
    else
        mmsh_close(mmsh);
    printf("%" PRIu64 "\n", bytes);
    return got < 0 ? 6 : 0;
}
