/*
 * Fetches one stream over MMS/TCP, or for mmshdump.c over HTTP, with libmms and writes what it hands out to a file.
 *
 *     cc -O2 -Wall -Wextra -o mmsdump mmsdump.c -lmms
 *     mmsdump URL OUT [SEEK_SECONDS]
 *
 * Standard output: one key=value per line. Exit status: 0 the stream ended, 2 usage, 3 no connection,
 * 4 output file, 5 seek refused, 6 read error.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef API
#include <libmms/mms.h>
#define API(name) mms_##name
#define STREAM mms_t
#endif

enum { USAGE = 2, CONNECT = 3, OUTPUT = 4, SEEK = 5, READ = 6 };

/* In bits per second: enough for libmms to take the best stream of each kind. */
#define BANDWIDTH (128 * 1024 * 1024)

static char buffer[65536];

static int fail(int status, const char *what)
{
    fflush(stdout);
    fprintf(stderr, "mmsdump: %s\n", what);
    return status;
}

/* After a seek libmms does not hand out the header again. */
static int write_header(STREAM *stream, FILE *out)
{
    uint32_t size = API(get_asf_header_len)(stream);
    char *header = malloc(size ? size : 1);
    int got, wrong;

    if (!header)
        return -1;
    got = API(peek_header)(stream, header, (int)size);
    wrong = got < 0 || (uint32_t)got != size || fwrite(header, 1, size, out) != size;
    free(header);
    return wrong ? -1 : 0;
}

static int copy(STREAM *stream, FILE *out)
{
    uint64_t bytes = 0;
    int got;

    while ((got = API(read)(NULL, stream, buffer, sizeof buffer)) > 0) {
        if (fwrite(buffer, 1, (size_t)got, out) != (size_t)got)
            return fail(OUTPUT, strerror(errno));
        bytes += (uint64_t)got;
    }
    printf("bytes_read=%" PRIu64 "\n", bytes);
    return got < 0 ? fail(READ, "the stream broke off") : 0;
}

static int run(STREAM *stream, FILE *out, const char *seek)
{
    printf("length=%" PRIu32 "\n", API(get_length)(stream));
    printf("seekable=%d\n", API(get_seekable)(stream));
    printf("packet_len=%" PRIu64 "\n", (uint64_t)API(get_asf_packet_len)(stream));
    printf("header_len=%" PRIu32 "\n", API(get_asf_header_len)(stream));
    printf("seconds=%.3f\n", API(get_time_length)(stream));
    if (seek) {
        if (!API(time_seek)(NULL, stream, strtod(seek, NULL)))
            return fail(SEEK, "the seek was refused");
        printf("position=%lld\n", (long long)API(get_current_pos)(stream));
        if (write_header(stream, out) < 0)
            return fail(OUTPUT, "the header could not be written");
    }
    return copy(stream, out);
}

int main(int argc, char **argv)
{
    STREAM *stream;
    FILE *out;
    int status;

    if (argc != 3 && argc != 4)
        return fail(USAGE, "usage: mmsdump URL OUT [SEEK_SECONDS]");
    stream = API(connect)(NULL, NULL, argv[1], BANDWIDTH);
    if (!stream)
        return fail(CONNECT, "no connection, or the server refused");
    out = fopen(argv[2], "wb");
    if (!out) {
        API(close)(stream);
        return fail(OUTPUT, strerror(errno));
    }
    status = run(stream, out, argc == 4 ? argv[3] : NULL);
    if (fclose(out) != 0 && status == 0)
        status = fail(OUTPUT, strerror(errno));
    API(close)(stream);
    return status;
}
