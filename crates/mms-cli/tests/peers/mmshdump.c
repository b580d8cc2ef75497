/*
 * mmsdump with the other half of libmms, which speaks MMS over HTTP.
 *
 *     cc -O2 -Wall -Wextra -o mmshdump mmshdump.c -lmms
 */
#include <libmms/mmsh.h>

#define API(name) mmsh_##name
#define STREAM mmsh_t
#include "mmsdump.c"
