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
	obs_weak_source_t *self; /* by which L and U hold `source`: obs_source_get_ref fails on one that is going */
	char id[17];
	struct mb_link *link;
	struct mb_picture *picture; /* G; NULL: without graphics: nothing is drawn */

	/* G: OBS calls a video filter's update there too */
	struct mb_settings settings;
	uint32_t epoch; /* from 1 */
	enum mb_reset_reason epoch_reason;

	/* Any thread, under `mutex`; G takes it with trylock and tries again at the next tick. */
	pthread_mutex_t mutex;
	struct mb_reset_request request;

	/* Any thread, atomic. */
	volatile bool cover;                  /* the policy's picture is asked for, by hotkey or sidecar */
	volatile uint64_t async_timestamp_ns; /* filter_video's last; 0: none yet */
	volatile long async_frames;           /* how often filter_video was called */

	/* scene-watch.c; G */
	unsigned scene_generation; /* the change of scene that was last looked at; 0: none yet */

	/* names.c, hotkeys.c: G finds the parent, L works with it */
	const void *parent_seen;                   /* G: to notice another; never followed */
	_Atomic(obs_weak_source_t *) found_parent; /* from G to L */
	volatile bool renamed;                     /* atomic: a name has changed */
	obs_weak_source_t *parent;                 /* L; U in destroy */
	obs_hotkey_id hotkeys[3];                  /* L; U in destroy */

	float stats_age; /* G: seconds since the link was given figures */
};

/* Any thread. The epoch goes up at the next capture; several requests before it are one, and the first keeps its
 * reason. */
void mb_filter_ask_reset(struct mb_filter *filter, enum mb_reset_reason reason, const char *from, const char *to);

/* As mb_filter_ask_reset; never waits: false where another thread holds the request just then. */
bool mb_filter_try_ask_reset(struct mb_filter *filter, enum mb_reset_reason reason, const char *from, const char *to);

extern struct obs_source_info mb_filter_info;

/* --- what the parts of filter.c's callbacks do -------------------------------------------------------------------- */

obs_properties_t *mb_properties(void *filter); /* properties.c; U */

/* names.c: the filter's and its source's names, for the link and the hotkeys. */
void mb_names_start(struct mb_filter *filter); /* U, in create */
void mb_names_stop(struct mb_filter *filter);  /* U, in destroy, after the link */
void mb_names_tick(struct mb_filter *filter);  /* G: notices; never waits */
void mb_names_work(struct mb_filter *filter);  /* L: tells */

/* hotkeys.c: L, and U in destroy. */
void mb_hotkeys_register(struct mb_filter *filter, obs_source_t *parent);
void mb_hotkeys_rename(struct mb_filter *filter);
void mb_hotkeys_unregister(struct mb_filter *filter);

/* --- picture.h's part: everything on the GPU (capture.c, pairing.c, draw.c ...). All on G. ------------------------ */

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

/* G, after mb_picture_tick: was a frame of the source captured in the tick before this one? */
bool mb_picture_captured_last_tick(const struct mb_picture *picture);

/* --- the program scene (scene-watch.c): plugin-wide, one tick callback -------------------------------------------- */

void mb_scene_watch_start(void); /* module load */
void mb_scene_watch_stop(void);  /* module unload */
/* G, in every tick and before every render: where the program scene has changed, tells the link and asks for the reset
 * that the filter's setting promises. */
void mb_scene_watch_look(struct mb_filter *filter);

#endif
