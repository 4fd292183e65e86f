/* Red when a ring holds one slot too many (`<=` in has_room), when an own index is read back from the memory, or when
 * any line of is_frame or is_matte is left out. */
#include <errno.h>
#include <string.h>

#include "both_sides.h"
#include "expect.h"

static void publish_frame(struct mb_memory *filter, uint64_t id)
{
	const struct mb_frame frame = right_frame(filter, id);
	unsigned char *pixels = mb_frame_begin(filter);

	EXPECT(pixels != NULL);
	fill_from_id(pixels, (size_t)frame.width * frame.height * MB_BYTES_PER_PIXEL, id);
	mb_frame_commit(filter, &frame);
}

static void publish_matte(struct mb_memory *sidecar, uint64_t id, uint32_t planes)
{
	const struct mb_matte matte = right_matte(sidecar, id, planes);
	unsigned char *coefficients = mb_matte_begin(sidecar);

	EXPECT(coefficients != NULL);
	fill_from_id(coefficients, mb_matte_bytes(sidecar, planes), id);
	mb_matte_commit(sidecar, &matte);
}

static void expect_frame(struct mb_memory *sidecar, uint64_t id)
{
	struct mb_frame frame;
	const unsigned char *pixels;

	EXPECT_EQUAL(mb_frame_peek(sidecar, &frame, &pixels), 1);
	EXPECT_EQUAL(frame.id, id);
	EXPECT(is_filled_from_id(pixels, (size_t)frame.width * frame.height * MB_BYTES_PER_PIXEL, id));
}

static void expect_matte(struct mb_memory *filter, uint64_t id, uint32_t planes)
{
	struct mb_matte matte;
	const unsigned char *coefficients;

	EXPECT_EQUAL(mb_matte_peek(filter, &matte, &coefficients), 1);
	EXPECT_EQUAL(matte.frame_id, id);
	EXPECT_EQUAL(matte.planes, planes);
	EXPECT(is_filled_from_id(coefficients, mb_matte_bytes(filter, planes), id));
}

static void expect_no_frame(struct mb_memory *sidecar)
{
	struct mb_frame frame;
	const unsigned char *pixels;

	EXPECT_EQUAL(mb_frame_peek(sidecar, &frame, &pixels), 0);
	EXPECT_EQUAL(mb_frames_waiting(sidecar), 0);
}

static void expect_no_matte(struct mb_memory *filter)
{
	struct mb_matte matte;
	const unsigned char *coefficients;

	EXPECT_EQUAL(mb_matte_peek(filter, &matte, &coefficients), 0);
	EXPECT_EQUAL(mb_mattes_waiting(filter), 0);
}

static void hands_over_in_order(void)
{
	struct both_sides both = both_sides_open(48, 32);

	expect_no_frame(&both.sidecar);
	expect_no_matte(&both.filter);
	for (uint64_t id = 1; id <= 100; id++) {
		const uint32_t planes = id % 2 ? 2 : 8;
		publish_frame(&both.filter, id);
		EXPECT_EQUAL(mb_frames_waiting(&both.sidecar), 1);
		expect_frame(&both.sidecar, id);
		mb_frame_pop(&both.sidecar);
		expect_no_frame(&both.sidecar);
		publish_matte(&both.sidecar, id, planes);
		EXPECT_EQUAL(mb_mattes_waiting(&both.filter), 1);
		expect_matte(&both.filter, id, planes);
		mb_matte_pop(&both.filter);
		expect_no_matte(&both.filter);
	}
	both_sides_close(&both);
}

static void takes_no_more_when_full(void)
{
	struct both_sides both = both_sides_open(16, 16);

	for (uint64_t id = 1; id <= MB_SLOTS; id++) {
		publish_frame(&both.filter, id);
		publish_matte(&both.sidecar, id, 2);
	}
	EXPECT(mb_frame_begin(&both.filter) == NULL);
	EXPECT(mb_matte_begin(&both.sidecar) == NULL);
	EXPECT_EQUAL(mb_frames_waiting(&both.sidecar), MB_SLOTS);
	EXPECT_EQUAL(mb_mattes_waiting(&both.filter), MB_SLOTS);
	EXPECT_EQUAL(mb_mattes_unread(&both.sidecar), MB_SLOTS);

	/* A peeked slot is still in use. */
	expect_frame(&both.sidecar, 1);
	expect_matte(&both.filter, 1, 2);
	EXPECT(mb_frame_begin(&both.filter) == NULL);
	EXPECT(mb_matte_begin(&both.sidecar) == NULL);
	mb_frame_pop(&both.sidecar);
	mb_matte_pop(&both.filter);
	publish_frame(&both.filter, MB_SLOTS + 1);
	publish_matte(&both.sidecar, MB_SLOTS + 1, 8);
	for (uint64_t id = 2; id <= MB_SLOTS + 1; id++) {
		expect_frame(&both.sidecar, id);
		mb_frame_pop(&both.sidecar);
		expect_matte(&both.filter, id, id <= MB_SLOTS ? 2 : 8);
		mb_matte_pop(&both.filter);
	}
	both_sides_close(&both);
}

static void gives_up_what_was_not_committed(void)
{
	struct both_sides both = both_sides_open(16, 16);
	unsigned char *first = mb_frame_begin(&both.filter);

	memset(first, 0xee, 1024);
	expect_no_frame(&both.sidecar);
	EXPECT(mb_frame_begin(&both.filter) == first);
	publish_frame(&both.filter, 1);
	expect_frame(&both.sidecar, 1);
	both_sides_close(&both);
}

static void wraps(void)
{
	struct both_sides both = both_sides_open(16, 16);
	const uint32_t near_the_end = UINT32_MAX - 10;

	both.filter.frame_index = both.sidecar.frame_index = near_the_end;
	both.filter.matte_index = both.sidecar.matte_index = near_the_end;
	for (size_t side = 0; side < 2; side++) {
		struct mb_ring *ring = side == 0 ? frames_ring(&both.filter) : mattes_ring(&both.filter);
		atomic_store(&ring->head, near_the_end);
		atomic_store(&ring->tail, near_the_end);
	}
	for (uint64_t id = 1; id <= 30; id += 3) {
		for (uint64_t i = id; i < id + 3; i++) {
			publish_frame(&both.filter, i);
			publish_matte(&both.sidecar, i, 2);
		}
		EXPECT_EQUAL(mb_frames_waiting(&both.sidecar), 3);
		for (uint64_t i = id; i < id + 3; i++) {
			expect_frame(&both.sidecar, i);
			mb_frame_pop(&both.sidecar);
			expect_matte(&both.filter, i, 2);
			mb_matte_pop(&both.filter);
		}
	}
	EXPECT_EQUAL(both.filter.frame_index, near_the_end + 30);
	both_sides_close(&both);
}

static void refuses_broken_indexes(void)
{
	static const uint32_t wrong[] = {MB_SLOTS + 1, 1000, 0x7fffffffu, 0x80000000u, UINT32_MAX};
	struct both_sides both = both_sides_open(16, 16);
	struct mb_frame frame;
	struct mb_matte matte;
	const unsigned char *data;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		atomic_store(&frames_ring(&both.filter)->head, wrong[i]);
		atomic_store(&mattes_ring(&both.filter)->head, wrong[i]);
		EXPECT_EQUAL(mb_frames_waiting(&both.sidecar), -EPROTO);
		EXPECT_EQUAL(mb_frame_peek(&both.sidecar, &frame, &data), -EPROTO);
		EXPECT_EQUAL(mb_mattes_waiting(&both.filter), -EPROTO);
		EXPECT_EQUAL(mb_matte_peek(&both.filter, &matte, &data), -EPROTO);

		/* Read more than was written; less than was said before. */
		atomic_store(&frames_ring(&both.sidecar)->tail, wrong[i]);
		atomic_store(&mattes_ring(&both.sidecar)->tail, wrong[i]);
		if ((uint32_t)-wrong[i] >= MB_SLOTS) {
			EXPECT(mb_frame_begin(&both.filter) == NULL);
			EXPECT(mb_matte_begin(&both.sidecar) == NULL);
		}
		const bool may_be = (uint32_t)-wrong[i] <= MB_SLOTS;
		EXPECT_EQUAL(mb_mattes_unread(&both.sidecar), may_be ? (int)-wrong[i] : -EPROTO);
	}
	both_sides_close(&both);
}

static void trusts_its_own_index(void)
{
	struct both_sides both = both_sides_open(16, 16);

	publish_frame(&both.filter, 1);
	publish_frame(&both.filter, 2);
	publish_matte(&both.sidecar, 1, 2);
	publish_matte(&both.sidecar, 2, 2);
	/* Each side writes over the index that is the other's. */
	atomic_store(&frames_ring(&both.filter)->tail, 77);
	atomic_store(&mattes_ring(&both.sidecar)->tail, 77);
	expect_frame(&both.sidecar, 1);
	mb_frame_pop(&both.sidecar);
	EXPECT_EQUAL(atomic_load(&frames_ring(&both.filter)->tail), 1);
	expect_matte(&both.filter, 1, 2);
	mb_matte_pop(&both.filter);
	EXPECT_EQUAL(atomic_load(&mattes_ring(&both.filter)->tail), 1);
	atomic_store(&frames_ring(&both.sidecar)->head, 77);
	atomic_store(&mattes_ring(&both.filter)->head, 77);
	publish_frame(&both.filter, 3);
	publish_matte(&both.sidecar, 3, 2);
	EXPECT_EQUAL(atomic_load(&frames_ring(&both.filter)->head), 3);
	expect_frame(&both.sidecar, 2);
	expect_matte(&both.filter, 2, 2);
	both_sides_close(&both);
}

struct wrong_field {
	size_t offset;
	size_t bytes;
	uint64_t values[6];
	size_t count;
};
#define FIELD(type, name) offsetof(struct type, name), sizeof(((struct type *)0)->name)

static void put(void *slot, const struct wrong_field *field, size_t value)
{
	memcpy((unsigned char *)slot + field->offset, &field->values[value], field->bytes);
}

static void refuses_wrong_frames(void)
{
	static const struct wrong_field fields[] = {
	        {FIELD(mb_frame, id), {0}, 1},
	        {FIELD(mb_frame, epoch), {0}, 1},
	        {FIELD(mb_frame, reason), {MB_RESET_NONE, MB_RESET_CUT, MB_RESET_ERROR, MB_RESET_REASONS, UINT32_MAX},
	                5},
	        {FIELD(mb_frame, width), {0, 16, 47, 64, 0x10030, UINT32_MAX}, 6},
	        {FIELD(mb_frame, height), {0, 16, 33, 48, 0x10020, UINT32_MAX}, 6},
	        {FIELD(mb_frame, source_width), {0, 65536, UINT32_MAX}, 3},
	        {FIELD(mb_frame, source_height), {0, 65536, UINT32_MAX}, 3},
	        {FIELD(mb_frame, flags), {1, 0x80000000u}, 2},
	        {FIELD(mb_frame, reserved), {1, 0x80000000u}, 2},
	};
	struct both_sides both = both_sides_open(48, 32);

	for (size_t f = 0; f < sizeof(fields) / sizeof(fields[0]); f++) {
		for (size_t v = 0; v < fields[f].count; v++) {
			struct mb_frame frame = right_frame(&both.filter, 1);
			struct mb_frame copy;
			const unsigned char *pixels = NULL;

			put(&frame, &fields[f], v);
			EXPECT(mb_frame_begin(&both.filter) != NULL);
			mb_frame_commit(&both.filter, &frame);
			EXPECT_EQUAL(mb_frame_peek(&both.sidecar, &copy, &pixels), -EPROTO);
			EXPECT(pixels == NULL);
			mb_frame_pop(&both.sidecar);
		}
	}
	publish_frame(&both.filter, 2);
	expect_frame(&both.sidecar, 2);
	both_sides_close(&both);
}

static void refuses_wrong_mattes(void)
{
	static const struct wrong_field fields[] = {
	        {FIELD(mb_matte, frame_id), {0}, 1},
	        {FIELD(mb_matte, epoch), {0}, 1},
	        {FIELD(mb_matte, planes), {0, 1, 3, 4, 16, UINT32_MAX}, 6},
	        {FIELD(mb_matte, width), {0, 16, 47, 64, 0x10030, UINT32_MAX}, 6},
	        {FIELD(mb_matte, height), {0, 16, 33, 48, 0x10020, UINT32_MAX}, 6},
	        {FIELD(mb_matte, reason), {MB_RESET_FIRST, MB_RESET_SCENE, MB_RESET_GAP, MB_RESET_REASONS, UINT32_MAX},
	                5},
	        {FIELD(mb_matte, reserved), {1, 0x80000000u}, 2},
	};
	struct both_sides both = both_sides_open(48, 32);

	for (size_t f = 0; f < sizeof(fields) / sizeof(fields[0]); f++) {
		for (size_t v = 0; v < fields[f].count; v++) {
			struct mb_matte matte = right_matte(&both.sidecar, 1, 2);
			struct mb_matte copy;
			const unsigned char *coefficients = NULL;

			put(&matte, &fields[f], v);
			EXPECT(mb_matte_begin(&both.sidecar) != NULL);
			mb_matte_commit(&both.sidecar, &matte);
			EXPECT_EQUAL(mb_matte_peek(&both.filter, &copy, &coefficients), -EPROTO);
			EXPECT(coefficients == NULL);
			mb_matte_pop(&both.filter);
		}
	}
	publish_matte(&both.sidecar, 2, 8);
	expect_matte(&both.filter, 2, 8);
	both_sides_close(&both);
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
	        {"hands frames and mattes over whole and in order", hands_over_in_order},
	        {"takes no more when full, until the reader is done with a slot", takes_no_more_when_full},
	        {"shows nothing of a slot that was begun and not committed", gives_up_what_was_not_committed},
	        {"goes on when its indexes wrap at 2^32", wraps},
	        {"calls a ring broken whose indexes are further apart than its slots", refuses_broken_indexes},
	        {"never reads its own index back from the memory", trusts_its_own_index},
	        {"refuses a frame with any wrong field", refuses_wrong_frames},
	        {"refuses a matte with any wrong field", refuses_wrong_mattes},
	};
	return RUN_CASES(argc, argv, cases);
}
