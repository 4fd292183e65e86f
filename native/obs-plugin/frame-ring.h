/* native/obs-plugin/frame-ring.h - the textures of one filter: full-resolution pictures and coefficients, by slot.
 *
 * All on the graphics thread, inside graphics. Textures are made when a slot is first used and whenever size or format
 * change; at steady state nothing is allocated. All filters of the process together hold at most 1 GiB. */
#ifndef MB_FRAME_RING_H
#define MB_FRAME_RING_H

#include <obs-module.h>

#include "pairing.h"

struct mb_ring_picture {
	gs_texrender_t *render; /* premultiplied; linear light once sampled as sRGB (8 bit) or as it is (16F) */
	uint32_t width;
	uint32_t height;
	enum gs_color_format format;
	enum gs_color_space space;
	uint64_t bytes;
};

struct mb_ring_matte {
	gs_texture_t *textures[2]; /* 2 planes: one RG16F; 8 planes: two RGBA16F */
	uint32_t planes;
	uint32_t width;
	uint32_t height;
	uint64_t bytes;
};

struct mb_frame_ring {
	struct mb_ring_picture pictures[MB_PAIRING_FRAMES_MAX];
	struct mb_ring_matte mattes[MB_PAIRING_MATTES_MAX];
	uint64_t bytes;
	uint64_t matte_bytes; /* of one matte, as they come now */
	bool counted;         /* among the rings that share the process's memory */
};

void mb_frame_ring_free(struct mb_frame_ring *ring);
/* Readies a slot to be drawn into. NULL where memory is short. */
struct mb_ring_picture *mb_frame_ring_picture(
        struct mb_frame_ring *ring, uint32_t slot, uint32_t width, uint32_t height, enum gs_color_space space);
/* Uploads coefficients as struct mb_matte has them. False where memory is short. */
bool mb_frame_ring_upload(struct mb_frame_ring *ring, uint32_t slot, uint32_t planes, uint32_t width, uint32_t height,
        const unsigned char *coefficients);
/* How many pictures of this size, with their mattes, the filter may hold: its share of the process's memory, or the few
 * that it takes to show anything while there is room for them. Less than those few: nothing can be shown. */
uint32_t mb_frame_ring_affords(struct mb_frame_ring *ring, uint32_t width, uint32_t height, enum gs_color_space space);
/* Frees pictures and mattes past `capacity` that the pairing does not use. */
void mb_frame_ring_trim(struct mb_frame_ring *ring, uint32_t capacity, const struct mb_pairs *pairing);

#endif
