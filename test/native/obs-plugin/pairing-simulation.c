#include "pairing-simulation.h"

#include <string.h>

struct engine {
	uint64_t waiting[MB_PAIRING_FRAMES_MAX];
	uint32_t waiting_count;
	uint64_t working_on; /* 0: idle */
	bool loses;
	uint64_t done_ns;
};

static double random_share(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed / 4294967296.0;
}

static void begin_step(struct engine *engine, const struct simulation_options *options, uint32_t *seed, uint64_t now)
{
	if (engine->working_on || !engine->waiting_count)
		return;
	const double ms =
	        options->step_ms_least + (options->step_ms_most - options->step_ms_least) * random_share(seed);
	engine->working_on = engine->waiting[engine->waiting_count - 1];
	engine->waiting_count = 0;
	engine->loses = random_share(seed) < options->lose;
	engine->done_ns = now + (uint64_t)(ms * 1e6);
}

static void take_matte(
        struct simulation *simulation, const struct simulation_options *options, uint64_t id, uint64_t at, uint64_t now)
{
	struct mb_sent_frame sent;
	uint64_t lead;
	if (!mb_in_flight_answered(&simulation->flight, id, now, &sent))
		return;
	mb_pairing_answered(&simulation->pairs, id, sent.captured_ns, sent.group, options->hold, &lead);
	mb_delay_measured(&simulation->delay, now, at - sent.captured_ns, at - sent.captured_ns + lead);
	simulation->answered[id] = true;
}

static void run_engine(struct simulation *simulation, const struct simulation_options *options, struct engine *engine,
        uint32_t *seed, uint64_t now)
{
	while (engine->working_on && engine->done_ns <= now) {
		if (!engine->loses)
			take_matte(simulation, options, engine->working_on, engine->done_ns, now);
		engine->working_on = 0;
		begin_step(engine, options, seed, engine->done_ns);
	}
}

void simulate(struct simulation *simulation, const struct simulation_options *options)
{
	const uint64_t tick_ns = 1000000000u / options->fps;
	struct engine engine = {0};
	uint32_t seed = options->seed * 2654435761u + 1;
	uint64_t sent = 0;
	memset(simulation, 0, sizeof(*simulation));

	for (uint32_t tick = 0; tick < options->ticks; tick++) {
		const uint64_t now = 1000000000u + tick * tick_ns;
		while (sent < simulation->frames && now - simulation->captured_ns[sent + 1] >= 25 * MS) {
			sent++;
			mb_in_flight_sent(&simulation->flight, sent, simulation->captured_ns[sent], 0, now);
			engine.waiting[engine.waiting_count++ % MB_PAIRING_FRAMES_MAX] = sent;
			begin_step(&engine, options, &seed, now);
		}
		run_engine(simulation, options, &engine, &seed, now);
		mb_in_flight_tick(&simulation->flight, now);

		const uint64_t before = simulation->delay.delay_ns;
		const uint64_t max_delay_ns = options->max_delay_ms * MS;
		const struct mb_delay_options delay = {
		        .newest = options->newest, .max_delay_ns = max_delay_ns, .tick_ns = tick_ns};
		mb_delay_tick(&simulation->delay, &delay, now);
		simulation->delay_changes += before != simulation->delay.delay_ns;

		if (tick % options->ticks_a_frame == 0) {
			const uint64_t waits = simulation->delay.known ? simulation->delay.delay_ns : max_delay_ns;
			const uint64_t id = ++simulation->frames;
			simulation->captured_ns[id] = now;
			mb_pairing_captured(&simulation->pairs, id, now, 0,
			        (uint32_t)((waits + tick_ns - 1) / tick_ns) + MB_PAIRING_FRAMES_MIN);
		}

		struct mb_choice choice;
		const struct mb_pairing_options choose = {.available = !mb_in_flight_overdue(&simulation->flight, now),
		        .newest = simulation->delay.newest,
		        .hold = options->hold,
		        .delay_ns = simulation->delay.delay_ns,
		        .tick_ns = tick_ns,
		        .patience_ns = mb_in_flight_patience_ns(&simulation->flight)};
		mb_pairing_choose(&simulation->pairs, &choose, now, &choice);
		simulation->ticks[tick] = (struct simulated_tick){
		        .pair = choice.pair, .frame_id = choice.frame_id, .matte_id = choice.matte_id};
	}
}

double simulated_share_shown(const struct simulation *simulation, uint64_t from_id, uint64_t to_id)
{
	uint64_t shown = 0;
	uint64_t last = 0;
	for (uint32_t tick = 0; tick < SIMULATED_TICKS_MAX; tick++) {
		const uint64_t id = simulation->ticks[tick].frame_id;
		if (id != last && id >= from_id && id < to_id)
			shown++;
		last = id;
	}
	return (double)shown / (double)(to_id - from_id);
}
