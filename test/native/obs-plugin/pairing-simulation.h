/* test/native/obs-plugin/pairing-simulation.h - a source, the filter's pure parts and an engine, by a clock of their
 * own.
 *
 * The filter's side makes the calls that picture.c and exchange.c make, in their order, and nothing else of them is
 * here: captures at ticks, two ticks until a frame is sent, an engine that works on one frame at a time and takes the
 * newest that waits. */
#ifndef MB_TEST_PAIRING_SIMULATION_H
#define MB_TEST_PAIRING_SIMULATION_H

#include "delay.h"
#include "in-flight.h"
#include "pairing.h"

#define SIMULATED_TICKS_MAX 4000u
#define MS (uint64_t)1000000

struct simulation_options {
	uint32_t ticks;
	uint32_t fps;           /* of OBS */
	uint32_t ticks_a_frame; /* 2: a source of half the rate */
	double step_ms_least;   /* from taking a frame to its answer, evenly distributed */
	double step_ms_most;
	double lose; /* share of frames that are taken and never answered, 0..1 */
	bool newest; /* the user's pairing */
	bool hold;   /* in between */
	uint32_t max_delay_ms;
	uint32_t seed;
};

struct simulated_tick {
	bool pair;
	uint64_t frame_id; /* 0: the policy's picture */
	uint64_t matte_id;
};

struct simulation {
	struct mb_pairs pairs;
	struct mb_in_flight flight;
	struct mb_delay delay;
	struct simulated_tick ticks[SIMULATED_TICKS_MAX];
	uint64_t captured_ns[SIMULATED_TICKS_MAX + 1]; /* by id, from 1 */
	bool answered[SIMULATED_TICKS_MAX + 1];
	uint64_t frames;
	uint32_t delay_changes;
};

/* Runs it all; the same seed gives the same run. */
void simulate(struct simulation *simulation, const struct simulation_options *options);
/* Share of the source's frames that were shown, of those with ids from `from_id` up to `to_id`. */
double simulated_share_shown(const struct simulation *simulation, uint64_t from_id, uint64_t to_id);

#endif
