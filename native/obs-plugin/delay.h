/* native/obs-plugin/delay.h - how long a frame waits for its matte, and whether waiting pays. Pure: times in ns.
 *
 * The delay is a whole number of ticks that lets 99 of 100 frames meet their matte, at most max_delay. It grows as
 * soon as it is too short and shrinks only after it was too long for some seconds: each change is a hiccup. Where
 * mattes take too long for max_delay, the pairing in use becomes `newest`, until they are quick again. */
#ifndef MB_DELAY_H
#define MB_DELAY_H

#include <stdbool.h>
#include <stdint.h>

#define MB_DELAY_SAMPLES 512u

struct mb_delay_options {
	bool newest;           /* the user asked for `newest` */
	uint64_t max_delay_ns; /* the user's, or less where memory is short */
	uint64_t tick_ns;
};

struct mb_delay_sample {
	uint64_t at_ns;
	uint64_t latency_ns; /* from capture to matte */
	uint64_t need_ns;    /* the delay that would have been in time; more than the latency for frames in between */
};

struct mb_delay {
	struct mb_delay_sample samples[MB_DELAY_SAMPLES];
	uint32_t sample_count; /* ever; the newest is at (sample_count - 1) % MB_DELAY_SAMPLES */
	uint64_t next_look_ns;
	/* in use */
	bool known; /* anything was measured */
	uint64_t delay_ns;
	uint64_t wanted_ns; /* without max_delay */
	bool newest;
	uint64_t
	        suffices_ns; /* max_delay that would allow `matched` again; 0 where it is in use or was not asked for */
	uint64_t median_ns;  /* of the latency */
	/* since when */
	uint64_t over_since_ns;
	uint64_t under_since_ns;
	uint64_t loose_since_ns;
	uint64_t loose_want_ns; /* the longest delay wanted since then */
	uint64_t shrink_after_ns;
	bool shrunk; /* since it grew last */
};

void mb_delay_measured(struct mb_delay *delay, uint64_t now, uint64_t latency_ns, uint64_t need_ns);
/* Every tick; looks at the samples a few times a second. */
void mb_delay_tick(struct mb_delay *delay, const struct mb_delay_options *options, uint64_t now);

#endif
