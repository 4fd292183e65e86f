/* The rings between two threads on a single mapping, for the thread sanitizer, which sees no other process.
 *
 * Red when head or tail is stored or loaded relaxed instead of release and acquire. */
#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "both_sides.h"
#include "expect.h"

#define FRAMES 20000u
enum { side = 16, planes = 8 };

static void *act_as_filter(void *with)
{
	struct mb_memory *filter = with;
	const size_t pixel_bytes = (size_t)side * side * MB_BYTES_PER_PIXEL;
	uint64_t written = 0;
	uint64_t answered = 0;

	while (answered < FRAMES) {
		unsigned char *pixels = written < FRAMES ? mb_frame_begin(filter) : NULL;
		struct mb_matte matte;
		const unsigned char *coefficients;

		if (pixels) {
			const struct mb_frame frame = right_frame(filter, ++written);
			fill_from_id(pixels, pixel_bytes, written);
			mb_frame_commit(filter, &frame);
		}
		const int waiting = mb_matte_peek(filter, &matte, &coefficients);
		EXPECT(waiting >= 0);
		if (waiting == 1) {
			EXPECT_EQUAL(matte.frame_id, ++answered);
			EXPECT(is_filled_from_id(coefficients, mb_matte_bytes(filter, planes), answered));
			mb_matte_pop(filter);
		} else if (!pixels) {
			sched_yield();
		}
	}
	return NULL;
}

static void act_as_sidecar(struct mb_memory *sidecar)
{
	uint64_t seen = 0;

	while (seen < FRAMES) {
		struct mb_frame frame;
		const unsigned char *pixels;
		const int waiting = mb_frame_peek(sidecar, &frame, &pixels);
		EXPECT(waiting >= 0);
		unsigned char *coefficients = waiting == 1 ? mb_matte_begin(sidecar) : NULL;
		if (!coefficients) {
			sched_yield();
			continue;
		}
		EXPECT_EQUAL(frame.id, ++seen);
		EXPECT(is_filled_from_id(pixels, (size_t)side * side * MB_BYTES_PER_PIXEL, seen));
		mb_frame_pop(sidecar);
		const struct mb_matte matte = right_matte(sidecar, seen, planes);
		fill_from_id(coefficients, mb_matte_bytes(sidecar, planes), seen);
		mb_matte_commit(sidecar, &matte);
	}
}

static void hands_over_between_threads(void)
{
	struct mb_memory filter;
	pthread_t thread;

	EXPECT_EQUAL(mb_memory_create(&filter, side, side), 0);
	/* The same bytes at the same address, with indexes of its own. */
	struct mb_memory sidecar = filter;
	EXPECT_EQUAL(pthread_create(&thread, NULL, act_as_filter, &filter), 0);
	act_as_sidecar(&sidecar);
	EXPECT_EQUAL(pthread_join(thread, NULL), 0);
	mb_memory_close(&filter);
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
	        {"hands frames and mattes over between two threads without a race", hands_over_between_threads},
	};
	return RUN_CASES(argc, argv, cases);
}
