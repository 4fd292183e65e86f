/* native/obs-plugin/link.h - a filter's end of the channel, and the plugin's one link thread.
 *
 * The link thread (L) does all that can block: connecting, making memory, control messages, JSON, stats. It starts with
 * the first filter and is joined with the last, without blocking I/O. Between mb_link_try and mb_link_leave the
 * graphics thread (G) owns rings and socket; L holds that lock only to swap pointers. mb_link_try never waits. */
#ifndef MB_LINK_H
#define MB_LINK_H

#include "../channel/channel.h"
#include "settings.h"

struct mb_link;

/* Why the filter did not send a frame, or got no matte for it. */
enum mb_drop_reason { MB_DROP_FULL, MB_DROP_DISCONNECTED, MB_DROP_UNREADY, MB_DROP_UNANSWERED, MB_DROP_LOST, MB_DROP_REASONS };

/* What is said once a second, and shown on the properties page. Written by G, read by L and U as a whole. */
struct mb_filter_stats {
	double fps;        /* captures a second */
	double delay_ms;   /* in use */
	double latency_ms; /* median, capture to matte */
	uint32_t width;    /* low resolution in use */
	uint32_t height;
	double ratio; /* in effect */
	enum mb_pairing pairing;
	double suffices_ms; /* max_delay_ms that would allow `matched`; 0 where it is in use or was not asked for */
	bool memory_bound;  /* the delay was shortened: textures are at their limit */
	bool cover;        /* the policy's picture was asked for, by hotkey or sidecar */
	uint64_t shown;
	uint64_t covered;
	uint64_t sent;
	uint64_t answered;
	uint64_t dropped[MB_DROP_REASONS];
	uint64_t resets[MB_RESET_FILTER_REASONS];
	const char *error; /* a key of the locale, or NULL: the filter's own trouble (effect, memory) */
};

/* What G must know of the link; a copy, valid until mb_link_leave. */
struct mb_link_state {
	bool welcomed;     /* connected: frames may be sent */
	bool engine_error; /* the sidecar says that it cannot matte (no model, error) */
	uint32_t width;    /* low resolution of the memory that frames go to; 0 if none */
	uint32_t height;
	uint32_t connections; /* counts welcomes: a change means that frames in flight are lost */
	uint32_t memories;    /* counts memories in use: a change of it within a connection is a `ready` */
};

/* What the link asks of its filter. All are called on L. */
struct mb_link_listener {
	void *filter;
	void (*reset)(void *filter);          /* the sidecar asks for a reset */
	void (*cover)(void *filter, bool on); /* it asks for the policy's picture, or no longer */
	/* Takes what is valid of `changes`; true if anything was: the filter's update then calls mb_link_settings. */
	bool (*set)(void *filter, obs_data_t *changes);
	void (*changed)(void *filter); /* what mb_link_describe says has changed in kind */
	void (*work)(void *filter);    /* after mb_link_wake_filter: what may block and belongs to the filter */
};

/* U. Connects for ever, from the first mb_link_names on. Copies both. Never NULL. */
struct mb_link *mb_link_create(const struct mb_link_listener *listener, const char *filter_id);
/* U. After it neither thread touches the link. Waits for L at most for a swap. */
void mb_link_destroy(struct mb_link *link);

/* G. False where L holds the lock: go on with the last state, and do without, this tick. True with `welcomed` false
 * where nothing is connected: then too mb_link_leave follows. */
bool mb_link_try(struct mb_link *link, struct mb_link_state *state);
void mb_link_leave(struct mb_link *link);
/* G, any time, never waits: the low resolution wanted from now on. L makes the memory; `memories` counts up once it is
 * in use. */
void mb_link_want_size(struct mb_link *link, uint32_t width, uint32_t height);

/* G, between try and leave. */
unsigned char *mb_link_frame_begin(struct mb_link *link);                      /* NULL: full */
void mb_link_frame_commit(struct mb_link *link, const struct mb_frame *frame); /* and rings the doorbell */
/* The oldest matte, of the old memory first. 1 or 0; a breach drops the connection. */
int mb_link_matte_peek(struct mb_link *link, struct mb_matte *matte, const unsigned char **coefficients);
void mb_link_matte_pop(struct mb_link *link);

/* Any thread; never waits: hands copies to L, which sends them. */
void mb_link_settings(struct mb_link *link, const struct mb_settings *settings);
void mb_link_names(struct mb_link *link, const char *source, const char *filter, bool private_source);
void mb_link_scene(struct mb_link *link, const char *scene); /* empty: none */
/* G: never waits; where L reads just then, the next call carries it. */
void mb_link_reset(struct mb_link *link, uint32_t epoch, enum mb_reset_reason reason, const char *from, const char *to);
void mb_link_stats(struct mb_link *link, const struct mb_filter_stats *stats);

/* Any thread; never waits: `work` is called soon. */
void mb_link_wake_filter(struct mb_link *link);

/* What the properties page shows; the caller frees with bfree. Never waits for the sidecar. */
char *mb_link_describe(struct mb_link *link);

#endif
