/* native/obs-plugin/filter.h - one filter: what its parts share.
 *
 * Threads: G = OBS's graphics thread (video_tick, video_render, filter_video, update of a video filter); L = the
 * plugin's link thread (link.h); U = any other of OBS's (create, destroy, properties, hotkeys, signals). G never waits.
 */
#ifndef MB_FILTER_H
#define MB_FILTER_H

#include <util/threading.h>

#include "link.h"
#include "settings.h"

struct mb_picture;

/* A reset that was asked for on any thread and happens at the next capture. */
struct mb_reset_request {
	enum mb_reset_reason reason; /* MB_RESET_NONE: none waits */
	char from[256];              /* names of scenes, or empty */
	char to[256];
};

struct mb_filter {
	obs_source_t *source;
	char id[17];
	struct mb_link *link;
	struct mb_picture *picture; /* G; NULL: without graphics: nothing is drawn */

	/* G */
	struct mb_settings settings;
	uint32_t epoch; /* from 1 */
	enum mb_reset_reason epoch_reason;

	/* Any thread, under `mutex`; G takes it with trylock and tries again at the next tick. */
	pthread_mutex_t mutex;
	struct mb_settings new_settings;
	bool has_new_settings;
	struct mb_reset_request request;

	/* Any thread, atomic. */
	volatile bool cover;                  /* the hotkey's */
	volatile uint64_t async_timestamp_ns; /* filter_video's last; 0: none yet */
	volatile long async_frames;           /* how often filter_video was called */

	/* hotkeys.c, scene-watch.c */
	obs_hotkey_id hotkeys[3];
	obs_weak_source_t *hotkey_parent;
};

/* Any thread. The epoch goes up at the next capture; several requests before it are one, and the first keeps its
 * reason. */
void mb_filter_ask_reset(struct mb_filter *filter, enum mb_reset_reason reason, const char *from, const char *to);

/* --- picture.h's part: everything on the GPU (capture.c, pairing.c, draw.c ...). All on G. --- */

/* Enters graphics itself; U. NULL where effect or textures cannot be made. */
struct mb_picture *mb_picture_create(struct mb_filter *filter);
void mb_picture_destroy(struct mb_picture *picture);
/* Once per tick, before any render of it. Counts gaps, ends staleness, forgets the tick's choice. */
void mb_picture_tick(struct mb_picture *picture, float seconds);
/* 0..n times a tick. The first captures, sends, takes mattes and chooses; all draw the choice. */
void mb_picture_render(struct mb_picture *picture);
enum gs_color_space mb_picture_color_space(
        struct mb_picture *picture, size_t count, const enum gs_color_space *preferred);
/* A copy of the newest figures; any thread, never waits long. */
void mb_picture_stats(struct mb_picture *picture, struct mb_filter_stats *out);

/* --- the program scene (scene-watch.c): plugin-wide, one tick callback --- */

void mb_scene_watch_start(void); /* module load */
void mb_scene_watch_stop(void);  /* module unload */
/* Filters that want to hear of changes. Any thread. */
void mb_scene_watch_add(struct mb_filter *filter);
void mb_scene_watch_remove(struct mb_filter *filter);

/* G, on a change of the program scene: decides by the filter's setting. In picture.c because `when-new` asks whether a
 * frame of the source was captured in the preceding tick. */
bool mb_picture_captured_last_tick(const struct mb_picture *picture);

#endif
