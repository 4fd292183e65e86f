/* Two processes as fast as they can: the filter fills every pixel of a frame from its id, the sidecar every coefficient
 * of its matte; each looks at every word of the other's.
 *
 * Red when a ring holds one slot too many (`<=` in has_room), or when mb_frame_begin raises head
 * (which threads.c sees by the thread sanitizer even where only the last store is too early). */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "both_sides.h"
#include "expect.h"
#include "footprint.h"

#define FRAMES 100000u
enum { width = 64, height = 32, planes = 2 };

static void write_frames(void *with)
{
	struct both_sides *both = with;
	struct mb_memory *filter = &both->filter;
	const size_t pixel_bytes = (size_t)width * height * MB_BYTES_PER_PIXEL;
	uint64_t written = 0;
	uint64_t answered = 0;

	while (answered < FRAMES) {
		/* In turn the reader waits for each frame, and the ring is kept full: a slot that is announced too
		 * early shows in the one, a slot that is written again too early in the other. */
		const uint64_t in_flight_max = written / 512 % 8 ? UINT64_MAX : 1;
		const bool may_write = written < FRAMES && written - answered < in_flight_max;
		unsigned char *pixels = may_write ? mb_frame_begin(filter) : NULL;
		if (pixels) {
			const struct mb_frame frame = right_frame(filter, ++written);
			fill_from_id(pixels, pixel_bytes, written);
			mb_frame_commit(filter, &frame);
		}
		struct mb_matte matte;
		const unsigned char *coefficients;
		const int waiting = mb_matte_peek(filter, &matte, &coefficients);
		EXPECT(waiting == 0 || waiting == 1);
		if (waiting == 1) {
			EXPECT_EQUAL(matte.frame_id, ++answered);
			EXPECT(is_filled_from_id(coefficients, mb_matte_bytes(filter, planes), matte.frame_id));
			mb_matte_pop(filter);
		} else if (!pixels) {
			sched_yield();
		}
	}
}

static void hands_frames_over_whole(void)
{
	const struct footprint before = footprint_now();
	struct both_sides both = both_sides_open(width, height);
	struct mb_memory *sidecar = &both.sidecar;
	const size_t pixel_bytes = (size_t)width * height * MB_BYTES_PER_PIXEL;
	const int child = start_child(write_frames, &both);
	const uint64_t begin_ns = mb_now_ns();
	uint64_t seen = 0;

	while (seen < FRAMES) {
		struct mb_frame frame;
		const unsigned char *pixels;
		const int waiting = mb_frame_peek(sidecar, &frame, &pixels);

		EXPECT(waiting == 0 || waiting == 1);
		if (waiting == 0) {
			sched_yield();
			continue;
		}
		EXPECT_EQUAL(frame.id, ++seen);
		EXPECT(is_filled_from_id(pixels, pixel_bytes, frame.id));
		/* Now and then the reader takes its time, and what it reads must stay as it is. */
		if (seen % 64 == 0) {
			sched_yield();
			EXPECT(is_filled_from_id(pixels, pixel_bytes, frame.id));
		}
		mb_frame_pop(sidecar);

		unsigned char *coefficients;
		while (!(coefficients = mb_matte_begin(sidecar)))
			sched_yield();
		const struct mb_matte matte = right_matte(sidecar, frame.id, planes);
		fill_from_id(coefficients, mb_matte_bytes(sidecar, planes), frame.id);
		mb_matte_commit(sidecar, &matte);
	}
	expect_child(child);
	const double seconds = (double)(mb_now_ns() - begin_ns) / 1e9;
	printf("%u frames of %dx%d and their mattes, none torn: %.0f a second\n", FRAMES, width, height,
	        FRAMES / seconds);
	both_sides_close(&both);
	expect_footprint(before);
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
	        {"hands 100,000 frames and mattes over between two processes, none torn", hands_frames_over_whole},
	};
	return RUN_CASES(argc, argv, cases);
}
