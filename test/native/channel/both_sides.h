/* test/native/channel/both_sides.h - a memory as the filter and as the sidecar see it: two mappings. */
#ifndef MB_TEST_BOTH_SIDES_H
#define MB_TEST_BOTH_SIDES_H

#include "channel.h"

struct both_sides {
	struct mb_memory filter;
	struct mb_memory sidecar;
};

struct both_sides both_sides_open(uint32_t width, uint32_t height);
void both_sides_close(struct both_sides *both);

/* The shared indexes, for those who break them. */
struct mb_ring *frames_ring(const struct mb_memory *memory);
struct mb_ring *mattes_ring(const struct mb_memory *memory);

/* Slots that say what is right for that memory. */
struct mb_frame right_frame(const struct mb_memory *memory, uint64_t id);
struct mb_matte right_matte(const struct mb_memory *memory, uint64_t frame_id, uint32_t planes);

/* Fills `bytes` (a multiple of 4) so that every word tells of the frame, and finds out whether all do. */
void fill_from_id(unsigned char *out, size_t bytes, uint64_t id);
bool is_filled_from_id(const unsigned char *in, size_t bytes, uint64_t id);

#endif
