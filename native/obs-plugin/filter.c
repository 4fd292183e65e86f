#include "filter.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include <obs-module.h>
#include <util/bmem.h>
#include <util/platform.h>

#define KEY_FILTER_ID "filter_id"
/* How often the link gets new figures; it sends them once a second. */
#define STATS_SECONDS 0.25F

/* --- filter ids: random, kept in the settings, one to a live filter ----------------------------------------------- */

/* Filters that live in this process, so that a duplicate is known by its id. */
static pthread_mutex_t live_mutex = PTHREAD_MUTEX_INITIALIZER;
static DARRAY(struct mb_filter *) live;

static bool id_valid(const char *id)
{
	return strlen(id) == 16 && strspn(id, "0123456789abcdef") == 16;
}

static bool id_taken(const char *id)
{
	for (size_t i = 0; i < live.num; i++) {
		if (strcmp(live.array[i]->id, id) == 0)
			return true;
	}
	return false;
}

static void id_make(char out[17])
{
	uint64_t random;

	/* Early in the boot there may be no randomness: OBS does not wait for it, and any id will do. */
	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != (ssize_t)sizeof(random))
		random = os_gettime_ns() * 0x9e3779b97f4a7c15ULL;
	snprintf(out, 17, "%016" PRIx64, random);
}

static void id_take(struct mb_filter *filter, obs_data_t *settings)
{
	const char *kept = obs_data_get_string(settings, KEY_FILTER_ID);

	pthread_mutex_lock(&live_mutex);
	if (id_valid(kept) && !id_taken(kept)) {
		memcpy(filter->id, kept, sizeof(filter->id));
	} else {
		do
			id_make(filter->id);
		while (id_taken(filter->id));
		obs_data_set_string(settings, KEY_FILTER_ID, filter->id);
	}
	da_push_back(live, &filter);
	pthread_mutex_unlock(&live_mutex);
}

static void id_release(struct mb_filter *filter)
{
	pthread_mutex_lock(&live_mutex);
	da_erase_item(live, &filter);
	if (live.num == 0)
		da_free(live);
	pthread_mutex_unlock(&live_mutex);
}

/* Defaults restored, or settings pasted from another filter: the id stays this filter's. */
static void id_keep(const struct mb_filter *filter, obs_data_t *settings)
{
	if (strcmp(obs_data_get_string(settings, KEY_FILTER_ID), filter->id) != 0)
		obs_data_set_string(settings, KEY_FILTER_ID, filter->id);
}

/* --- resets ------------------------------------------------------------------------------------------------------- */

static void request_reset(
        struct mb_reset_request *request, enum mb_reset_reason reason, const char *from, const char *to)
{
	if (request->reason != MB_RESET_NONE)
		return;
	request->reason = reason;
	snprintf(request->from, sizeof(request->from), "%s", from ? from : "");
	snprintf(request->to, sizeof(request->to), "%s", to ? to : "");
}

void mb_filter_ask_reset(struct mb_filter *filter, enum mb_reset_reason reason, const char *from, const char *to)
{
	pthread_mutex_lock(&filter->mutex);
	request_reset(&filter->request, reason, from, to);
	pthread_mutex_unlock(&filter->mutex);
}

bool mb_filter_try_ask_reset(struct mb_filter *filter, enum mb_reset_reason reason, const char *from, const char *to)
{
	if (pthread_mutex_trylock(&filter->mutex) != 0)
		return false;
	request_reset(&filter->request, reason, from, to);
	pthread_mutex_unlock(&filter->mutex);
	return true;
}

/* --- what the link asks (L) --------------------------------------------------------------------------------------- */

static void link_reset(void *data)
{
	mb_filter_ask_reset(data, MB_RESET_ASKED, NULL, NULL);
}

static void link_cover(void *data, bool on)
{
	struct mb_filter *filter = data;

	os_atomic_set_bool(&filter->cover, on);
}

static bool link_set(void *data, obs_data_t *changes)
{
	struct mb_filter *filter = data;
	/* NULL once OBS has begun to destroy the filter, which then waits for L. */
	obs_source_t *source = obs_weak_source_get_source(filter->self);
	obs_data_t *taken;
	bool any;

	if (!source)
		return false;
	taken = obs_data_create();
	any = mb_settings_apply(taken, changes) > 0;
	if (any) {
		obs_source_update(source, taken);
		obs_source_update_properties(source);
	}
	obs_data_release(taken);
	obs_source_release(source);
	return any;
}

/* An open properties page shows the new state. */
static void link_changed(void *data)
{
	struct mb_filter *filter = data;
	obs_source_t *source = obs_weak_source_get_source(filter->self);

	if (!source)
		return;
	obs_source_update_properties(source);
	obs_source_release(source);
}

static void link_work(void *data)
{
	mb_names_work(data);
}

/* --- OBS's callbacks ---------------------------------------------------------------------------------------------- */

static const char *filter_name(void *type_data)
{
	UNUSED_PARAMETER(type_data);
	return obs_module_text("Filter.Name");
}

static void filter_update(void *data, obs_data_t *settings)
{
	struct mb_filter *filter = data;

	id_keep(filter, settings);
	mb_settings_read(settings, &filter->settings);
	mb_link_settings(filter->link, &filter->settings);
}

static void filter_destroy(void *data)
{
	struct mb_filter *filter = data;

	/* First: L works on names and hotkeys. */
	mb_link_destroy(filter->link);
	mb_names_stop(filter);
	mb_picture_destroy(filter->picture);
	id_release(filter);
	obs_weak_source_release(filter->self);
	pthread_mutex_destroy(&filter->mutex);
	bfree(filter);
}

/* Never fails: OBS would show the raw source of a filter that is NULL. */
static void *filter_create(obs_data_t *settings, obs_source_t *source)
{
	struct mb_filter *filter = bzalloc(sizeof(*filter));
	const struct mb_link_listener listener = {
	        .filter = filter,
	        .reset = link_reset,
	        .cover = link_cover,
	        .set = link_set,
	        .changed = link_changed,
	        .work = link_work,
	};

	filter->source = source;
	/* libobs frees what obs_source_get_ref reads before it calls destroy: a weak reference outlives that. */
	filter->self = obs_source_get_weak_source(source);
	filter->epoch = 1;
	filter->epoch_reason = MB_RESET_FIRST;
	pthread_mutex_init(&filter->mutex, NULL);
	id_take(filter, settings);
	mb_settings_read(settings, &filter->settings);
	mb_names_start(filter);
	/* The picture takes its size and mattes through the link. */
	filter->link = mb_link_create(&listener, filter->id);
	mb_link_settings(filter->link, &filter->settings);
	filter->picture = mb_picture_create(filter);
	return filter;
}

/* G, 4 times a second. */
static void tell_stats(struct mb_filter *filter, float seconds)
{
	struct mb_filter_stats stats = {0};

	filter->stats_age += seconds;
	if (filter->stats_age < STATS_SECONDS)
		return;
	filter->stats_age = 0;
	if (filter->picture)
		mb_picture_stats(filter->picture, &stats);
	else
		stats.error = "Error.Graphics";
	mb_link_stats(filter->link, &stats);
}

static void filter_tick(void *data, float seconds)
{
	struct mb_filter *filter = data;

	mb_names_tick(filter);
	if (filter->picture)
		mb_picture_tick(filter->picture, seconds);
	mb_scene_watch_look(filter);
	tell_stats(filter, seconds);
}

static void filter_render(void *data, gs_effect_t *effect)
{
	struct mb_filter *filter = data;

	UNUSED_PARAMETER(effect);
	/* A transition may have begun since the tick: its reset belongs to the frame that is captured now. */
	mb_scene_watch_look(filter);
	if (filter->picture)
		mb_picture_render(filter->picture);
}

/* G, under the source's async mutex: stores and returns. */
static struct obs_source_frame *filter_video(void *data, struct obs_source_frame *frame)
{
	struct mb_filter *filter = data;

	__atomic_store_n(&filter->async_timestamp_ns, frame->timestamp, __ATOMIC_RELAXED);
	os_atomic_inc_long(&filter->async_frames);
	return frame;
}

static enum gs_color_space filter_color_space(void *data, size_t count, const enum gs_color_space *preferred_spaces)
{
	struct mb_filter *filter = data;

	return filter->picture ? mb_picture_color_space(filter->picture, count, preferred_spaces) : GS_CS_SRGB;
}

static obs_properties_t *filter_properties(void *data)
{
	return mb_properties(data);
}

static void filter_defaults(obs_data_t *settings)
{
	mb_settings_defaults(settings);
}

static void filter_save(void *data, obs_data_t *settings)
{
	id_keep(data, settings);
}

struct obs_source_info mb_filter_info = {
        .id = "mattebox_filter",
        .type = OBS_SOURCE_TYPE_FILTER,
        .output_flags = OBS_SOURCE_VIDEO | OBS_SOURCE_SRGB,
        .get_name = filter_name,
        .create = filter_create,
        .destroy = filter_destroy,
        .update = filter_update,
        .video_tick = filter_tick,
        .video_render = filter_render,
        .filter_video = filter_video,
        .video_get_color_space = filter_color_space,
        .get_properties = filter_properties,
        .get_defaults = filter_defaults,
        .save = filter_save,
};
