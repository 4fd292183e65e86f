#include "delay.h"

#define MS (uint64_t)1000000
#define LOOK_EVERY_NS (100 * MS)
#define DELAY_WINDOW_NS (4000 * MS)
#define SWITCH_WINDOW_NS (1000 * MS)
#define SHRINK_AFTER_NS (2000 * MS)
#define SHRINK_AFTER_MOST_NS (32000 * MS)
#define OVER_FOR_NS (2000 * MS)
#define UNDER_FOR_NS (5000 * MS)
/* A slow engine answers less than once in a window: then its last answers count. */
#define SAMPLES_MIN 4u

void mb_delay_measured(struct mb_delay *delay, uint64_t now, uint64_t latency_ns, uint64_t need_ns)
{
	delay->samples[delay->sample_count++ % MB_DELAY_SAMPLES] =
	        (struct mb_delay_sample){.at_ns = now, .latency_ns = latency_ns, .need_ns = need_ns};
	/* The first pair is waited for: don't let it wait for the next look. */
	if (!delay->known)
		delay->next_look_ns = 0;
}

/* Shell's sort: qsort may allocate. */
static void sort(uint64_t *values, uint32_t count)
{
	for (uint32_t gap = count / 2; gap > 0; gap /= 2) {
		for (uint32_t i = gap; i < count; i++) {
			const uint64_t value = values[i];
			uint32_t at = i;
			for (; at >= gap && values[at - gap] > value; at -= gap)
				values[at] = values[at - gap];
			values[at] = value;
		}
	}
}

/* The newest samples of a window, or the last few where it holds fewer; sorted. */
static uint32_t window(const struct mb_delay *delay, uint64_t now, uint64_t length_ns, bool needs, uint64_t *out)
{
	uint32_t count = 0;
	const uint32_t held = delay->sample_count < MB_DELAY_SAMPLES ? delay->sample_count : MB_DELAY_SAMPLES;
	while (count < held) {
		const struct mb_delay_sample *sample =
		        &delay->samples[(delay->sample_count - 1 - count) % MB_DELAY_SAMPLES];
		if (count >= SAMPLES_MIN && now - sample->at_ns > length_ns)
			break;
		out[count++] = needs ? sample->need_ns : sample->latency_ns;
	}
	sort(out, count);
	return count;
}

static uint64_t whole_ticks_up(uint64_t ns, uint64_t tick)
{
	return (ns + tick - 1) / tick * tick;
}

static void look_at_switch(struct mb_delay *delay, const struct mb_delay_options *options, uint64_t now)
{
	uint64_t sorted[MB_DELAY_SAMPLES];
	const uint32_t count = window(delay, now, SWITCH_WINDOW_NS, false, sorted);
	if (count == 0)
		return;
	delay->median_ns = sorted[count / 2];
	const uint64_t needed = sorted[(count * 95 - 1) / 100] + options->tick_ns;

	if (options->newest) {
		delay->newest = true;
		delay->suffices_ns = 0;
		delay->over_since_ns = delay->under_since_ns = 0;
		return;
	}
	if (!delay->newest || delay->suffices_ns == 0) {
		/* `matched` in use, or just asked for. */
		delay->newest = false;
		delay->under_since_ns = 0;
		if (needed <= options->max_delay_ns) {
			delay->over_since_ns = 0;
		} else if (!delay->over_since_ns) {
			delay->over_since_ns = now;
		} else if (now - delay->over_since_ns >= OVER_FOR_NS) {
			delay->newest = true;
			delay->over_since_ns = 0;
		}
	} else if (needed * 10 > options->max_delay_ns * 8) {
		delay->under_since_ns = 0;
	} else if (!delay->under_since_ns) {
		delay->under_since_ns = now;
	} else if (now - delay->under_since_ns >= UNDER_FOR_NS) {
		delay->newest = false;
		delay->under_since_ns = 0;
	}
	/* What is said must be enough for the way back too. */
	delay->suffices_ns = delay->newest ? (needed * 10 + 7) / 8 : 0;
}

static void look_at_delay(struct mb_delay *delay, const struct mb_delay_options *options, uint64_t now)
{
	uint64_t sorted[MB_DELAY_SAMPLES];
	const uint32_t count = window(delay, now, DELAY_WINDOW_NS, true, sorted);
	if (count == 0)
		return;
	/* One in a hundred may be late; among few, the one that a hiccup made. */
	const uint32_t late = count < 8 ? 0 : (count < 200 ? 1 : count / 100);
	/* A quarter of a tick for the moment within its tick at which OBS renders. */
	uint64_t want = whole_ticks_up(sorted[count - 1 - late] + options->tick_ns / 4, options->tick_ns);
	delay->wanted_ns = want;
	const uint64_t most = options->max_delay_ns / options->tick_ns * options->tick_ns;
	if (want > most)
		want = most;

	if (!delay->known || want > delay->delay_ns || delay->delay_ns > most) {
		/* Shrunk too far: the next time it takes longer to dare. */
		if (!delay->known)
			delay->shrink_after_ns = SHRINK_AFTER_NS;
		else if (delay->shrunk && delay->shrink_after_ns < SHRINK_AFTER_MOST_NS)
			delay->shrink_after_ns *= 2;
		delay->shrunk = false;
		delay->known = true;
		delay->delay_ns = want;
		delay->loose_since_ns = 0;
	} else if (want == delay->delay_ns) {
		delay->loose_since_ns = 0;
	} else if (!delay->loose_since_ns) {
		delay->loose_since_ns = now;
		delay->loose_want_ns = want;
	} else {
		if (want > delay->loose_want_ns)
			delay->loose_want_ns = want;
		if (now - delay->loose_since_ns >= delay->shrink_after_ns) {
			delay->shrunk = true;
			delay->delay_ns = delay->loose_want_ns;
			delay->loose_since_ns = 0;
		}
	}
}

void mb_delay_tick(struct mb_delay *delay, const struct mb_delay_options *options, uint64_t now)
{
	/* What the user asks for holds at once. */
	if (options->newest)
		delay->newest = true;
	if (now < delay->next_look_ns)
		return;
	delay->next_look_ns = now + LOOK_EVERY_NS;
	look_at_switch(delay, options, now);
	look_at_delay(delay, options, now);
}
