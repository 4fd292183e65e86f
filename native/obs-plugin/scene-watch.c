/* The program scene, without the frontend's library: the destination of the transition on channel 0, by name.
 *
 * A change of the name as it is read is one change, and asks each filter for at most one reset:
 *   - a transition's start (its own signal; a fade's new scene begins to show then), before the next frame is captured;
 *   - what gives no signal (the current scene removed, another collection, studio mode left), at the next tick;
 *   - a T-bar moved and let go at its start again: the scene it came from, a second change;
 *   - no scene, or the same name (a private duplicate in studio mode): none.
 * All state is the graphics thread's; the signal's thread leaves a name in a mailbox. */
#include <obs-module.h>
#include <stdio.h>
#include <string.h>
#include <util/bmem.h>

#include "filter.h"

#define NAME_SIZE sizeof(((struct mb_reset_request *)0)->to)

/* From the signal to G: the destination of a transition that has just begun. */
static _Atomic(char *) started;

/* G */
static char scene[NAME_SIZE];    /* empty: none yet */
static char previous[NAME_SIZE]; /* empty: `scene` is the first */
static unsigned generation;      /* counts changes, the first scene included */
static bool moved;               /* the transition under way has left its start */

/* The transition on channel 0; under the lock of the signal channel_change. */
static obs_weak_source_t *watched;

/* --- G ------------------------------------------------------------------------------------------------------------ */

static void take(const char *name)
{
	if (!name || !*name || strncmp(name, scene, NAME_SIZE - 1) == 0)
		return;
	memcpy(previous, scene, NAME_SIZE);
	snprintf(scene, NAME_SIZE, "%s", name);
	generation++;
	/* 0 is a filter that has not looked yet. */
	if (generation == 0)
		generation = 1;
}

static void take_started(void)
{
	char *name = atomic_exchange(&started, NULL);

	if (!name)
		return;
	moved = false;
	take(name);
	bfree(name);
}

/* A T-bar that was let go at its start leaves the transition running there, with the first scene on show; OBS's own
 * glide back may end this close to it. */
#define AT_START 0.001F

static bool back_at_start(obs_source_t *transition)
{
	obs_source_t *destination = obs_transition_get_source(transition, OBS_TRANSITION_SOURCE_B);
	bool under_way = destination != NULL;

	obs_source_release(destination);
	if (under_way && obs_transition_get_time(transition) > AT_START) {
		moved = true;
		return false;
	}
	if (!under_way)
		moved = false;
	return under_way && moved;
}

static obs_source_t *program_scene(void)
{
	obs_source_t *shown = obs_get_output_source(0);
	obs_source_t *transition = shown;

	if (!shown || obs_source_get_type(shown) != OBS_SOURCE_TYPE_TRANSITION)
		return shown;
	if (back_at_start(transition))
		shown = obs_transition_get_source(transition, OBS_TRANSITION_SOURCE_A);
	else
		shown = obs_transition_get_active_source(transition);
	obs_source_release(transition);
	return shown;
}

static void tick(void *param, float seconds)
{
	obs_source_t *now;

	UNUSED_PARAMETER(param);
	UNUSED_PARAMETER(seconds);
	take_started();
	now = program_scene();
	if (now)
		take(obs_source_get_name(now));
	obs_source_release(now);
}

static bool wants_reset(const struct mb_filter *filter)
{
	/* A filter that looks for the first time has nothing to forget. */
	if (filter->scene_generation == 0 || !*previous)
		return false;
	switch (filter->settings.reset_on_scene_change) {
	case MB_SCENE_RESET_NEVER:
		return false;
	case MB_SCENE_RESET_WHEN_NEW:
		return !filter->picture || !mb_picture_captured_last_tick(filter->picture);
	default:
		return true;
	}
}

void mb_scene_watch_look(struct mb_filter *filter)
{
	take_started();
	if (filter->scene_generation == generation)
		return;
	if (wants_reset(filter) && !mb_filter_try_ask_reset(filter, MB_RESET_SCENE, previous, scene))
		return; /* looks again before the next frame */
	filter->scene_generation = generation;
	mb_link_scene(filter->link, scene);
}

/* --- signals: any thread ------------------------------------------------------------------------------------------ */

static void on_transition_start(void *data, calldata_t *call)
{
	obs_source_t *transition = calldata_ptr(call, "source");
	obs_source_t *destination = obs_transition_get_source(transition, OBS_TRANSITION_SOURCE_B);

	UNUSED_PARAMETER(data);
	if (!destination)
		return;
	bfree(atomic_exchange(&started, bstrdup(obs_source_get_name(destination))));
	obs_source_release(destination);
}

static void watch(obs_source_t *source)
{
	obs_source_t *old = obs_weak_source_get_source(watched);

	if (old) {
		signal_handler_disconnect(
		        obs_source_get_signal_handler(old), "transition_start", on_transition_start, NULL);
		obs_source_release(old);
	}
	obs_weak_source_release(watched);
	watched = NULL;
	if (source && obs_source_get_type(source) == OBS_SOURCE_TYPE_TRANSITION) {
		watched = obs_source_get_weak_source(source);
		signal_handler_connect(
		        obs_source_get_signal_handler(source), "transition_start", on_transition_start, NULL);
	}
}

/* OBS holds the channels' lock here: nothing may be waited for that waits for it. */
static void on_channel_change(void *data, calldata_t *call)
{
	UNUSED_PARAMETER(data);
	if (calldata_int(call, "channel") == 0)
		watch(calldata_ptr(call, "source"));
}

void mb_scene_watch_start(void)
{
	obs_source_t *shown = obs_get_output_source(0);

	watch(shown);
	obs_source_release(shown);
	signal_handler_connect(obs_get_signal_handler(), "channel_change", on_channel_change, NULL);
	obs_add_tick_callback(tick, NULL);
}

void mb_scene_watch_stop(void)
{
	obs_remove_tick_callback(tick, NULL);
	signal_handler_disconnect(obs_get_signal_handler(), "channel_change", on_channel_change, NULL);
	watch(NULL);
	bfree(atomic_exchange(&started, NULL));
}
