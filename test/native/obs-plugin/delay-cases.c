/* How long a frame waits, what is owed, and runs of all pure parts together (native/obs-plugin/delay.h, in-flight.h).
 * Seen red: with the delay taken from the median; without the lead of frames between; with a late matte not counted;
 * with frames between lent to under `hold`; with the earlier neighbour always lent. */
#include "expect.h"
#include "pairing-simulation.h"

#define TICK (20 * MS)

static struct mb_delay delay;
static struct mb_in_flight flight;
static struct mb_sent_frame sent;
static struct simulation run;

static void measure(const struct mb_delay_options *options, uint64_t *now, uint64_t ticks, uint64_t latency_ms)
{
	for (uint64_t i = 0; i < ticks; i++) {
		*now += TICK;
		mb_delay_measured(&delay, *now, latency_ms * MS, latency_ms * MS);
		mb_delay_tick(&delay, options, *now);
	}
}

static void is_whole_ticks(void)
{
	struct mb_delay_options options = {.max_delay_ns = 150 * MS, .tick_ns = TICK};
	uint64_t now = 1;
	delay = (struct mb_delay){0};
	measure(&options, &now, 100, 49);
	EXPECT_EQUAL(delay.delay_ns, 3 * TICK);
}

static void grows_at_once_shrinks_later(void)
{
	struct mb_delay_options options = {.max_delay_ns = 150 * MS, .tick_ns = TICK};
	uint64_t now = 1;
	delay = (struct mb_delay){0};
	measure(&options, &now, 100, 49);
	measure(&options, &now, 10, 90);
	EXPECT_EQUAL(delay.delay_ns, 5 * TICK);
	measure(&options, &now, 250, 49); /* 4 s until the long ones leave the window, and some */
	EXPECT_EQUAL(delay.delay_ns, 5 * TICK);
	measure(&options, &now, 60, 49);
	EXPECT_EQUAL(delay.delay_ns, 3 * TICK);
}

static void ignores_a_single_hiccup(void)
{
	struct mb_delay_options options = {.max_delay_ns = 150 * MS, .tick_ns = TICK};
	uint64_t now = 1;
	delay = (struct mb_delay){0};
	measure(&options, &now, 100, 49);
	measure(&options, &now, 1, 140);
	measure(&options, &now, 100, 49);
	EXPECT_EQUAL(delay.delay_ns, 3 * TICK);
}

static void becomes_newest_after_two_seconds(void)
{
	struct mb_delay_options options = {.max_delay_ns = 150 * MS, .tick_ns = TICK};
	uint64_t now = 1;
	delay = (struct mb_delay){0};
	measure(&options, &now, 95, 140);
	EXPECT(!delay.newest);
	measure(&options, &now, 15, 140); /* 140 and a tick pass 150 */
	EXPECT(delay.newest);
	EXPECT(delay.suffices_ns == 200 * MS);
	EXPECT(delay.delay_ns <= options.max_delay_ns);

	measure(&options, &now, 60, 99); /* 119 of 120: below 80 %, once the second
	                                    with the slow ones is over */
	EXPECT(delay.newest);
	measure(&options, &now, 225, 99);
	EXPECT(delay.newest);
	measure(&options, &now, 30, 99);
	EXPECT(!delay.newest);
	EXPECT_EQUAL(delay.suffices_ns, 0);
}

static void becomes_matched_by_what_suffices(void)
{
	struct mb_delay_options options = {.max_delay_ns = 150 * MS, .tick_ns = TICK};
	uint64_t now = 1;
	delay = (struct mb_delay){0};
	measure(&options, &now, 150, 140);
	EXPECT(delay.newest);
	options.max_delay_ns = delay.suffices_ns;
	measure(&options, &now, 260, 140);
	EXPECT(!delay.newest);
}

static void obeys_at_once(void)
{
	struct mb_delay_options options = {.newest = true, .max_delay_ns = 150 * MS, .tick_ns = TICK};
	uint64_t now = 1;
	delay = (struct mb_delay){0};
	mb_delay_tick(&delay, &options, now);
	EXPECT(delay.newest);
	measure(&options, &now, 50, 49);
	EXPECT_EQUAL(delay.suffices_ns, 0);
	options.newest = false;
	measure(&options, &now, 6, 49);
	EXPECT(!delay.newest);
	EXPECT_EQUAL(delay.delay_ns, 3 * TICK);
}

/* --- what is owed ------------------------------------------------------------------------------------------------- */

static uint64_t settled(void)
{
	return flight.answered + flight.unanswered + flight.lost;
}

static void counts_exactly(void)
{
	flight = (struct mb_in_flight){0};
	for (uint64_t id = 1; id <= 10; id++)
		mb_in_flight_sent(&flight, id, id * TICK, 0, id * TICK);
	EXPECT(mb_in_flight_answered(&flight, 4, 11 * TICK, &sent));
	EXPECT_EQUAL(flight.answered, 1);
	EXPECT_EQUAL(flight.unanswered, 3);
	EXPECT(!mb_in_flight_answered(&flight, 2, 11 * TICK, &sent));
	EXPECT(!mb_in_flight_answered(&flight, 4, 11 * TICK, &sent));
	EXPECT(!mb_in_flight_answered(&flight, 99, 11 * TICK, &sent));
	EXPECT(mb_in_flight_answered(&flight, 9, 11 * TICK, &sent));
	EXPECT_EQUAL(sent.captured_ns, 9 * TICK);
	mb_in_flight_lost(&flight);
	EXPECT_EQUAL(flight.lost, 1);
	EXPECT_EQUAL(settled(), flight.sent);
}

static void counts_late_ones_once(void)
{
	flight = (struct mb_in_flight){0};
	mb_in_flight_sent(&flight, 1, TICK, 0, TICK);
	mb_in_flight_sent(&flight, 2, TICK, 0, TICK);
	mb_in_flight_tick(&flight, TICK + 501 * MS);
	EXPECT_EQUAL(flight.unanswered, 2);
	EXPECT(mb_in_flight_answered(&flight, 2, TICK + 600 * MS, &sent));
	EXPECT_EQUAL(flight.unanswered, 1);
	EXPECT_EQUAL(flight.answered, 1);
	EXPECT_EQUAL(settled(), flight.sent);
}

static void counts_beyond_its_bound(void)
{
	flight = (struct mb_in_flight){0};
	for (uint64_t id = 1; id <= 1000; id++)
		mb_in_flight_sent(&flight, id, id * TICK, 0, id * TICK);
	mb_in_flight_lost(&flight);
	EXPECT_EQUAL(settled(), 1000);
}

static void loses_patience(void)
{
	flight = (struct mb_in_flight){0};
	EXPECT(!mb_in_flight_overdue(&flight, 1000 * TICK));
	mb_in_flight_sent(&flight, 1, TICK, 0, TICK);
	EXPECT(!mb_in_flight_overdue(&flight, TICK + 500 * MS));
	EXPECT(mb_in_flight_overdue(&flight, TICK + 501 * MS));
	mb_in_flight_answered(&flight, 1, TICK + 600 * MS, &sent);
	EXPECT(!mb_in_flight_overdue(&flight, TICK + 10000 * MS));
}

static void has_patience_with_slow_engines(void)
{
	flight = (struct mb_in_flight){0};
	/* An answer every 400 ms: three times that passes the half second. */
	uint64_t now = TICK;
	for (uint64_t id = 1; id <= 12; id++) {
		mb_in_flight_sent(&flight, id, now, 0, now);
		now += 400 * MS;
		mb_in_flight_answered(&flight, id, now, &sent);
	}
	EXPECT_EQUAL(mb_in_flight_patience_ns(&flight), 1200 * MS);
}

static void learns_nothing_from_still_pictures(void)
{
	flight = (struct mb_in_flight){0};
	for (uint64_t id = 1; id <= 12; id++) {
		const uint64_t now = id * 60000 * MS; /* once a minute something moves */
		mb_in_flight_sent(&flight, id, now, 0, now);
		mb_in_flight_answered(&flight, id, now + 40 * MS, &sent);
	}
	EXPECT_EQUAL(mb_in_flight_patience_ns(&flight), 500 * MS);
}

static void sends_again_what_was_lost(void)
{
	flight = (struct mb_in_flight){0};
	EXPECT_EQUAL(mb_in_flight_state(&flight, 1), MB_SENT_LOST);
	mb_in_flight_sent(&flight, 1, TICK, 0, TICK);
	EXPECT_EQUAL(mb_in_flight_state(&flight, 1), MB_SENT_PENDING);
	mb_in_flight_tick(&flight, TICK + 501 * MS);
	EXPECT_EQUAL(mb_in_flight_state(&flight, 1), MB_SENT_LOST);
	mb_in_flight_answered(&flight, 1, TICK + 600 * MS, &sent);
	EXPECT_EQUAL(mb_in_flight_state(&flight, 1), MB_SENT_ANSWERED);
}

/* --- runs at random ----------------------------------------------------------------------------------------------- */

static void expect_own_mattes(const struct simulation *simulation, uint32_t ticks)
{
	for (uint32_t tick = 0; tick < ticks; tick++)
		EXPECT_EQUAL(simulation->ticks[tick].frame_id, simulation->ticks[tick].matte_id);
}

/* By hindsight: which frames were answered is known in the end. */
static void expect_near_mattes(const struct simulation *simulation, uint32_t ticks)
{
	for (uint32_t tick = 0; tick < ticks; tick++) {
		const uint64_t frame = simulation->ticks[tick].frame_id;
		const uint64_t matte = simulation->ticks[tick].matte_id;
		if (frame == matte)
			continue;
		EXPECT(!simulation->answered[frame]);
		uint64_t before = frame;
		uint64_t after = frame;
		while (before > 1 && !simulation->answered[before])
			before--;
		while (after < simulation->frames && !simulation->answered[after])
			after++;
		const uint64_t away = frame > matte ? frame - matte : matte - frame;
		EXPECT(2 * away <= after - before);
	}
}

static void expect_ascending(const struct simulation *simulation, uint32_t ticks)
{
	uint64_t last = 0;
	for (uint32_t tick = 0; tick < ticks; tick++) {
		const uint64_t frame = simulation->ticks[tick].frame_id;
		EXPECT(frame == 0 || frame >= last);
		last = frame ? frame : last;
	}
}

static const struct {
	uint32_t fps, ticks_a_frame;
	double least_ms, most_ms;
} engines[] = {{60, 1, 2, 14}, {60, 2, 5, 30}, {30, 1, 5, 32}, {60, 1, 10, 60}, {30, 1, 20, 90}, {60, 1, 30, 35},
        {60, 1, 1, 120}};

static void at_random(bool hold, double lose)
{
	for (uint32_t seed = 1; seed <= 8; seed++) {
		for (size_t i = 0; i < sizeof(engines) / sizeof(engines[0]); i++) {
			const struct simulation_options options = {.ticks = 2000,
			        .fps = engines[i].fps,
			        .ticks_a_frame = engines[i].ticks_a_frame,
			        .step_ms_least = engines[i].least_ms,
			        .step_ms_most = engines[i].most_ms,
			        .lose = lose,
			        .hold = hold,
			        .max_delay_ms = 400,
			        .seed = seed};
			simulate(&run, &options);
			if (hold)
				expect_own_mattes(&run, options.ticks);
			else
				expect_near_mattes(&run, options.ticks);
			expect_ascending(&run, options.ticks);
		}
	}
}

static void own_mattes_only(void)
{
	at_random(true, 0);
	at_random(true, 0.1);
}

static void half_an_interval_at_most(void)
{
	at_random(false, 0);
	at_random(false, 0.1);
}

static void shows_nearly_all(void)
{
	for (uint32_t seed = 1; seed <= 10; seed++) {
		for (size_t i = 0; i < 3; i++) { /* the engines whose step takes less than a frame */
			for (int hold = 0; hold < 2; hold++) {
				const struct simulation_options options = {.ticks = 3600,
				        .fps = engines[i].fps,
				        .ticks_a_frame = engines[i].ticks_a_frame,
				        .step_ms_least = engines[i].least_ms,
				        .step_ms_most = engines[i].most_ms,
				        .hold = hold,
				        .max_delay_ms = 150,
				        .seed = seed};
				simulate(&run, &options);
				EXPECT(simulated_share_shown(&run, 120, run.frames - 30) >= 0.98);
				EXPECT(run.delay_changes <= 8); /* in a minute, the first ones counted */
			}
		}
	}
}

static void shows_frames_between(void)
{
	for (uint32_t seed = 1; seed <= 20; seed++) {
		/* Two to three frames a step: nearest shows nearly all of them nonetheless.
		 */
		const struct simulation_options options = {.ticks = 3600,
		        .fps = 60,
		        .ticks_a_frame = 1,
		        .step_ms_least = 30,
		        .step_ms_most = 45,
		        .max_delay_ms = 200,
		        .seed = seed};
		simulate(&run, &options);
		EXPECT(simulated_share_shown(&run, 120, run.frames - 30) >= 0.97);
	}
}

int main(int argc, char **argv)
{
	const struct test_case cases[] = {
	        {"the delay is a whole number of ticks", is_whole_ticks},
	        {"the delay grows at once and shrinks after seconds", grows_at_once_shrinks_later},
	        {"a single hiccup changes nothing", ignores_a_single_hiccup},
	        {"p95 and a tick over max_delay for 2 s: newest; below 80 % of it for 5 "
	         "s: matched",
	                becomes_newest_after_two_seconds},
	        {"the value that is said to suffice does", becomes_matched_by_what_suffices},
	        {"the user's pairing holds at once", obeys_at_once},
	        {"sent = answered + unanswered + lost", counts_exactly},
	        {"a matte that comes too late is answered, not unanswered", counts_late_ones_once},
	        {"counts exactly past what it can hold", counts_beyond_its_bound},
	        {"a frame unanswered for half a second is overdue until something is "
	         "answered",
	                loses_patience},
	        {"has three times the usual interval of patience with a slow engine", has_patience_with_slow_engines},
	        {"learns no patience from a still picture", learns_nothing_from_still_pictures},
	        {"knows which frame must be sent again", sends_again_what_was_lost},
	        {"hold, at random: no frame is ever shown with another's matte, nor out "
	         "of order",
	                own_mattes_only},
	        {"nearest, at random: a matte is at most half an interval away", half_an_interval_at_most},
	        {"shows 98 % of the frames where a step takes less than a frame", shows_nearly_all},
	        {"nearest: shows 97 % where a step takes two to three frames", shows_frames_between},
	};
	return RUN_CASES(argc, argv, cases);
}
