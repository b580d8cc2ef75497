/*
 * Plays one URL with xine-lib, without picture and sound, and lets xine save what its input plug-in read.
 *
 *     cc -O2 -Wall -Wextra -o xinedump xinedump.c -lxine
 *     xinedump URL SAVE_DIR NAME [TIMEOUT_SECONDS]
 *
 * The bytes are in SAVE_DIR/NAME. Exit status: 0 playback finished, 2 usage, 3 engine, 4 save folder, 5 output
 * drivers, 6 open, 7 play, 8 time limit. Standard output: one key=value per line.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <xine.h>

enum { USAGE = 2, ENGINE = 3, SAVE_DIR = 4, DRIVERS = 5, OPEN = 6, PLAY = 7, LATE = 8 };

#define SAVE_KEY "media.capture.save_dir"
#define DEFAULT_SECONDS 20.0

static int fail(int status, const char *what)
{
    fflush(stdout);
    fprintf(stderr, "xinedump: %s\n", what);
    return status;
}

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* The key belongs to xine's input layer, which may not have registered it yet. */
static int set_save_dir(xine_t *engine, char *dir)
{
    xine_cfg_entry_t entry;

    xine_config_register_string(engine, SAVE_KEY, "", "save folder", NULL, 0, NULL, NULL);
    if (!xine_config_lookup_entry(engine, SAVE_KEY, &entry))
        return -1;
    entry.str_value = dir;
    xine_config_update_entry(engine, &entry);
    return 0;
}

static int wait_for_end(xine_event_queue_t *queue, double deadline)
{
    const struct timespec pause = { 0, 20 * 1000 * 1000 };

    while (seconds() < deadline) {
        xine_event_t *event;

        while ((event = xine_event_get(queue)) != NULL) {
            int finished = event->type == XINE_EVENT_UI_PLAYBACK_FINISHED;

            xine_event_free(event);
            if (finished)
                return 0;
        }
        nanosleep(&pause, NULL);
    }
    return fail(LATE, "playback did not finish in time");
}

static int play(xine_stream_t *stream, const char *url, const char *name, double limit)
{
    xine_event_queue_t *queue = xine_event_new_queue(stream);
    double deadline = seconds() + limit;
    size_t size = strlen(url) + strlen(name) + sizeof "#save:";
    char *mrl = malloc(size);
    int status = 0;

    if (!queue || !mrl) {
        free(mrl);
        return fail(ENGINE, "no event queue");
    }
    snprintf(mrl, size, "%s#save:%s", url, name);
    if (!xine_open(stream, mrl)) {
        printf("xine_error=%d\n", xine_get_error(stream));
        status = fail(OPEN, "the URL could not be opened");
    } else if (!xine_play(stream, 0, 0)) {
        printf("xine_error=%d\n", xine_get_error(stream));
        status = fail(PLAY, "the stream could not be played");
    } else {
        /* Only after the play call, which sets the normal speed. */
        xine_set_param(stream, XINE_PARAM_FINE_SPEED, 64 * XINE_FINE_SPEED_NORMAL);
        status = wait_for_end(queue, deadline);
        if (status == 0)
            printf("finished=1\n");
    }
    free(mrl);
    xine_close(stream);
    xine_event_dispose_queue(queue);
    return status;
}

static int with_drivers(xine_t *engine, char **argv, double limit)
{
    xine_audio_port_t *audio = xine_open_audio_driver(engine, "none", NULL);
    xine_video_port_t *video = xine_open_video_driver(engine, "none", XINE_VISUAL_TYPE_NONE, NULL);
    xine_stream_t *stream = audio && video ? xine_stream_new(engine, audio, video) : NULL;
    int status;

    if (stream) {
        status = play(stream, argv[1], argv[3], limit);
        xine_dispose(stream);
    } else {
        status = fail(DRIVERS, "the null drivers for audio and video are missing");
    }
    if (audio)
        xine_close_audio_driver(engine, audio);
    if (video)
        xine_close_video_driver(engine, video);
    return status;
}

int main(int argc, char **argv)
{
    double limit = argc == 5 ? strtod(argv[4], NULL) : DEFAULT_SECONDS;
    xine_t *engine;
    int status;

    if ((argc != 4 && argc != 5) || limit <= 0.0)
        return fail(USAGE, "usage: xinedump URL SAVE_DIR NAME [TIMEOUT_SECONDS]");
    engine = xine_new();
    if (!engine)
        return fail(ENGINE, "xine could not be started");
    if (set_save_dir(engine, argv[2]) < 0) {
        status = fail(SAVE_DIR, "the save folder could not be set");
    } else {
        xine_init(engine);
        status = with_drivers(engine, argv, limit);
    }
    xine_exit(engine);
    return status;
}
