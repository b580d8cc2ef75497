/*
 * Reads all of a file with libavformat: what asf-walk.sh counts inside av_read_frame.
 *
 *     gcc -O2 -Wall -Wextra -o asf_walk asf_walk.c -lavformat -lavcodec -lavutil
 *     asf_walk FILE
 *
 * Opening is not counted, and the streams are not probed: av_read_frame is the demuxer and what lies around it.
 */
#include <inttypes.h>
#include <stdio.h>

#include <libavformat/avformat.h>

int main(int argc, char **argv)
{
    AVFormatContext *file = NULL;
    AVPacket *object;
    uint64_t objects = 0, bytes = 0;

    if (argc != 2) {
        fprintf(stderr, "usage: asf_walk FILE\n");
        return 2;
    }
    object = av_packet_alloc();
    if (!object || avformat_open_input(&file, argv[1], NULL, NULL) < 0) {
        fprintf(stderr, "%s cannot be opened\n", argv[1]);
        return 1;
    }
    /* As it comes: no parser cuts or joins the media objects. */
    file->flags |= AVFMT_FLAG_NOPARSE | AVFMT_FLAG_NOFILLIN;
    while (av_read_frame(file, object) >= 0) {
        objects++;
        bytes += (uint64_t)object->size;
        av_packet_unref(object);
    }
    printf("objects=%" PRIu64 " bytes=%" PRIu64 "\n", objects, bytes);
    avformat_close_input(&file);
    av_packet_free(&object);
    return 0;
}
