/* native/obs-plugin/capture.h - the source's picture into the ring, and a small copy of it into memory.
 *
 * All on the graphics thread, inside graphics. The small copy passes through three stage surfaces: one is mapped only
 * once the GPU has surely filled it, so that mapping does not wait. */
#ifndef MB_CAPTURE_H
#define MB_CAPTURE_H

#include "draw.h"

#define MB_STAGES 3u

/* A small copy on its way into memory. */
struct mb_staged {
	uint64_t id;
	uint64_t captured_ns;
	uint64_t tick; /* counts ticks */
	uint32_t width;
	uint32_t height;
	uint32_t source_width;
	uint32_t source_height;
	uint32_t epoch;
	uint32_t reason; /* enum mb_reset_reason */
	uint32_t group;
	bool advanced; /* known to be new; else its pixels decide */
};

struct mb_capture {
	gs_texrender_t *small; /* the newest small copy, GS_BGRA */
	uint32_t small_width;
	uint32_t small_height;
	gs_stagesurf_t *surfaces[MB_STAGES];
	struct mb_staged staged[MB_STAGES];
	uint32_t first; /* the oldest on its way */
	uint32_t count;
};

bool mb_capture_create(struct mb_capture *capture);
void mb_capture_free(struct mb_capture *capture);

/* Draws what the filter's target shows into a picture of the ring. */
bool mb_capture_picture(
        struct mb_ring_picture *picture, obs_source_t *target, obs_source_t *parent, uint32_t width, uint32_t height);
/* Draws the small copy (staged->width x height). */
bool mb_capture_small(struct mb_capture *capture, struct mb_draw *draw, const struct mb_ring_picture *picture,
        uint32_t width, uint32_t height);
/* Sends the small copy on its way. False where no surface is free or can be made. */
bool mb_capture_stage(struct mb_capture *capture, const struct mb_staged *staged);
/* The oldest on its way, once it is 2 ticks or 25 ms old; NULL if there is none. It stays until mb_capture_drop. */
const struct mb_staged *mb_capture_ripe(const struct mb_capture *capture, uint64_t tick, uint64_t now);
/* Maps its pixels, rows `*stride_bytes` apart; NULL where that fails. */
const uint8_t *mb_capture_map(struct mb_capture *capture, uint32_t *stride_bytes);
void mb_capture_unmap(struct mb_capture *capture);
/* Forgets the oldest. */
void mb_capture_drop(struct mb_capture *capture);

#endif
