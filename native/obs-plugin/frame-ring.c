#include "frame-ring.h"

#include <stdatomic.h>

/* Of all filters of the process; a test builds with less. */
#ifndef MATTEBOX_TEXTURE_MIB
#define MATTEBOX_TEXTURE_MIB 1024
#endif
#define TEXTURE_BYTES_MAX ((uint64_t)MATTEBOX_TEXTURE_MIB << 20)

/* Beside a matte for each picture: one that is lent to the oldest, and the shown one. */
#define MATTES_MORE 2u

static _Atomic uint64_t process_bytes;
static _Atomic uint32_t process_rings;

static bool reserve(struct mb_frame_ring *ring, uint64_t bytes)
{
	if (atomic_fetch_add(&process_bytes, bytes) + bytes > TEXTURE_BYTES_MAX) {
		atomic_fetch_sub(&process_bytes, bytes);
		return false;
	}
	ring->bytes += bytes;
	return true;
}

static void unreserve(struct mb_frame_ring *ring, uint64_t bytes)
{
	atomic_fetch_sub(&process_bytes, bytes);
	ring->bytes -= bytes;
}

static void free_picture(struct mb_frame_ring *ring, struct mb_ring_picture *picture)
{
	if (!picture->render)
		return;
	gs_texrender_destroy(picture->render);
	unreserve(ring, picture->bytes);
	*picture = (struct mb_ring_picture){0};
}

static void free_matte(struct mb_frame_ring *ring, struct mb_ring_matte *matte)
{
	for (size_t i = 0; i < 2; i++) {
		if (matte->textures[i])
			gs_texture_destroy(matte->textures[i]);
	}
	unreserve(ring, matte->bytes);
	*matte = (struct mb_ring_matte){0};
}

void mb_frame_ring_free(struct mb_frame_ring *ring)
{
	for (uint32_t i = 0; i < MB_PAIRING_FRAMES_MAX; i++)
		free_picture(ring, &ring->pictures[i]);
	for (uint32_t i = 0; i < MB_PAIRING_MATTES_MAX; i++)
		free_matte(ring, &ring->mattes[i]);
	if (ring->counted)
		atomic_fetch_sub(&process_rings, 1);
	ring->counted = false;
}

static uint64_t picture_bytes(uint32_t width, uint32_t height, enum gs_color_format format)
{
	return (uint64_t)width * height * (gs_get_format_bpp(format) / 8);
}

struct mb_ring_picture *mb_frame_ring_picture(
        struct mb_frame_ring *ring, uint32_t slot, uint32_t width, uint32_t height, enum gs_color_space space)
{
	struct mb_ring_picture *picture = &ring->pictures[slot];
	const enum gs_color_format format = gs_get_format_from_space(space);
	if (picture->render && (picture->width != width || picture->height != height || picture->format != format))
		free_picture(ring, picture);
	if (!picture->render) {
		const uint64_t bytes = picture_bytes(width, height, format);
		if (!reserve(ring, bytes))
			return NULL;
		picture->render = gs_texrender_create(format, GS_ZS_NONE);
		if (!picture->render) {
			unreserve(ring, bytes);
			return NULL;
		}
		*picture = (struct mb_ring_picture){
		        .render = picture->render, .width = width, .height = height, .format = format, .bytes = bytes};
	}
	picture->space = space;
	return picture;
}

static bool make_matte(
        struct mb_frame_ring *ring, struct mb_ring_matte *matte, uint32_t planes, uint32_t width, uint32_t height)
{
	const uint64_t bytes = (uint64_t)width * height * planes * 2;
	if (!reserve(ring, bytes))
		return false;
	ring->matte_bytes = bytes;
	*matte = (struct mb_ring_matte){.planes = planes, .width = width, .height = height, .bytes = bytes};
	const enum gs_color_format format = planes == 2 ? GS_RG16F : GS_RGBA16F;
	for (size_t i = 0; i < (planes == 2 ? 1 : 2); i++) {
		matte->textures[i] = gs_texture_create(width, height, format, 1, NULL, GS_DYNAMIC);
		if (!matte->textures[i]) {
			free_matte(ring, matte);
			return false;
		}
	}
	return true;
}

bool mb_frame_ring_upload(struct mb_frame_ring *ring, uint32_t slot, uint32_t planes, uint32_t width, uint32_t height,
        const unsigned char *coefficients)
{
	struct mb_ring_matte *matte = &ring->mattes[slot];
	if (matte->planes != planes || matte->width != width || matte->height != height) {
		free_matte(ring, matte);
		if (!make_matte(ring, matte, planes, width, height))
			return false;
	}
	const uint32_t row = width * (planes == 2 ? 2 : 4) * 2;
	gs_texture_set_image(matte->textures[0], coefficients, row, false);
	if (matte->textures[1])
		gs_texture_set_image(matte->textures[1], coefficients + (size_t)row * height, row, false);
	return true;
}

uint32_t mb_frame_ring_affords(struct mb_frame_ring *ring, uint32_t width, uint32_t height, enum gs_color_space space)
{
	if (!ring->counted) {
		ring->counted = true;
		atomic_fetch_add(&process_rings, 1);
	}
	const uint64_t entry = picture_bytes(width, height, gs_get_format_from_space(space)) + ring->matte_bytes;
	const uint64_t share = TEXTURE_BYTES_MAX / atomic_load(&process_rings);
	const uint64_t others = atomic_load(&process_bytes) - ring->bytes;
	const uint64_t room = TEXTURE_BYTES_MAX > others ? TEXTURE_BYTES_MAX - others : 0;
	const uint64_t more = MATTES_MORE * ring->matte_bytes;
	uint64_t count = share > more ? (share - more) / entry : 0;
	/* The few that showing anything takes are had while there is room: first come, first served. */
	if (count < MB_PAIRING_FRAMES_MIN && room >= MB_PAIRING_FRAMES_MIN * entry + more)
		count = MB_PAIRING_FRAMES_MIN;
	return count < MB_PAIRING_FRAMES_MAX ? (uint32_t)count : MB_PAIRING_FRAMES_MAX;
}

void mb_frame_ring_trim(struct mb_frame_ring *ring, uint32_t capacity, const struct mb_pairs *pairing)
{
	for (uint32_t i = capacity; i < MB_PAIRING_FRAMES_MAX; i++) {
		if (ring->pictures[i].render && !mb_pairing_uses_slot(pairing, i))
			free_picture(ring, &ring->pictures[i]);
	}
	for (uint32_t i = capacity + MATTES_MORE; i < MB_PAIRING_MATTES_MAX; i++) {
		if (ring->mattes[i].planes && !mb_pairing_uses_matte_slot(pairing, i))
			free_matte(ring, &ring->mattes[i]);
	}
}
