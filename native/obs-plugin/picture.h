/* native/obs-plugin/picture.h - one filter's picture: what its parts share. All on the graphics thread unless said.
 *
 * picture.c     what happens in a tick, and what is shown
 * capture.c     the source's picture into the ring, and a small copy of it into memory
 * exchange.c    frames to the sidecar, mattes from it
 * resets.c      when the epoch goes up
 * pairing.c, delay.c, in-flight.c   pure: which pair is shown, how long a frame waits, what is owed
 * frame-ring.c  textures; draw.c, data/mattebox.effect: every pass on the GPU */
#ifndef MB_PICTURE_H
#define MB_PICTURE_H

#include "capture.h"
#include "delay.h"
#include "draw.h"
#include "filter.h"
#include "frame-ring.h"
#include "in-flight.h"
#include "low-res.h"
#include "pairing.h"

/* Hears of changes to the source's own settings (source-watch.c). */
struct mb_source_watch {
	obs_weak_source_t *parent;
	volatile bool updated; /* any thread, atomic */
};

/* The frame that was sent last, to compare the next one's pixels with. */
struct mb_last_sent {
	uint64_t id; /* 0: there is nothing to compare with */
	uint32_t epoch;
	uint32_t width;
	uint32_t height;
	uint8_t *pixels;
	size_t capacity;
};

enum mb_shows { MB_SHOWS_NOTHING, MB_SHOWS_PAIR, MB_SHOWS_CELLS, MB_SHOWS_PICTURE };

struct mb_picture {
	struct mb_filter *filter;
	struct mb_draw *draw;
	struct mb_frame_ring ring;
	struct mb_capture capture;
	struct mb_pairs pairs;
	struct mb_in_flight flight;
	struct mb_delay delay;
	struct mb_source_watch watch;
	struct mb_last_sent last_sent;

	/* ticks */
	uint64_t tick;
	uint64_t rendered_tick; /* the last in which the source was rendered with a size, and the one before */
	uint64_t rendered_before;
	uint64_t rendered_ns;
	bool prepared; /* what this tick shows is decided */

	/* the link, as last seen */
	struct mb_link_state link;
	uint64_t welcomed_ns;     /* when it was last up; 0: never */
	uint32_t sent_connection; /* the connection that a frame was last sent on */

	/* captures */
	uint64_t last_id;
	uint64_t captured_ns;
	uint64_t intervals[8]; /* between the last captures */
	uint32_t captures;     /* ever */
	long async_frames;     /* filter_video's count at the last capture */
	bool capture_anyway;   /* the next tick captures, whether the source has advanced or not */
	struct mb_low_res wanted;
	uint32_t planes_settings; /* what the mattes depend on, to notice a change */

	/* resets */
	obs_source_t *target; /* of the last capture; compared only */
	uint32_t source_width;
	uint32_t source_height;
	uint32_t small_width;
	uint32_t small_height;
	bool size_changed; /* the source's; the reset waits for the low resolution that fits it */
	uint32_t group;
	struct mb_reset_request request; /* taken from the filter */

	/* this tick's choice */
	enum mb_shows shows;
	struct mb_choice choice; /* frame of the pair or picture; matte of the pair */
	uint32_t width;
	uint32_t height;

	/* figures */
	pthread_mutex_t stats_mutex;
	struct mb_filter_stats stats; /* G's own */
	struct mb_filter_stats told;  /* under the mutex */
	double fps_seconds;
	uint32_t fps_captures;
};

/* --- exchange.c --------------------------------------------------------------------------------------------------- */

/* Notices what became of the link; sends small copies that are ripe; takes mattes. */
void mb_exchange(struct mb_picture *picture, uint64_t now);
/* Small copies on their way are too old to be sent. */
void mb_exchange_discard(struct mb_picture *picture);
/* The next frame is sent, though it may look like the last one that was. */
void mb_exchange_send_anew(struct mb_picture *picture);
/* Where settings have changed on which mattes depend, the same pixels are worth sending again. */
void mb_exchange_notice_settings(struct mb_picture *picture);

/* --- resets.c ----------------------------------------------------------------------------------------------------- */

/* Whether the next capture begins a new epoch by request: then it must not wait for the source. */
bool mb_resets_wait(struct mb_picture *picture, obs_source_t *target);
/* Before a capture of this size, small copy of that size: raises the epoch where there is reason to, and tells. */
void mb_resets_before_capture(struct mb_picture *picture, obs_source_t *target, uint32_t width, uint32_t height,
        uint32_t small_width, uint32_t small_height, uint64_t now);

/* --- source-watch.c ----------------------------------------------------------------------------------------------- */

void mb_source_watch_follow(struct mb_source_watch *watch, obs_source_t *parent);
void mb_source_watch_stop(struct mb_source_watch *watch); /* U */

#endif
