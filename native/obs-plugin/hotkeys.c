/* Hotkeys of a filter: on its source, for OBS refuses private sources and filters are private; so a private source's
 * filter has none. */
#include <obs-module.h>
#include <stdio.h>
#include <string.h>
#include <util/dstr.h>

#include "filter.h"

static void on_reset(void *data, obs_hotkey_id id, obs_hotkey_t *hotkey, bool pressed)
{
	UNUSED_PARAMETER(id);
	UNUSED_PARAMETER(hotkey);
	if (pressed)
		mb_filter_ask_reset(data, MB_RESET_ASKED, NULL, NULL);
}

static void on_cover(void *data, obs_hotkey_id id, obs_hotkey_t *hotkey, bool pressed)
{
	struct mb_filter *filter = data;

	UNUSED_PARAMETER(id);
	UNUSED_PARAMETER(hotkey);
	if (pressed)
		os_atomic_set_bool(&filter->cover, !os_atomic_load_bool(&filter->cover));
}

static const char *next_view(const char *view)
{
	if (strcmp(view, "result") == 0)
		return "alpha";
	return strcmp(view, "alpha") == 0 ? "foreground" : "result";
}

static void on_next_view(void *data, obs_hotkey_id id, obs_hotkey_t *hotkey, bool pressed)
{
	struct mb_filter *filter = data;
	obs_source_t *source;
	obs_data_t *settings;
	obs_data_t *change;

	UNUSED_PARAMETER(id);
	UNUSED_PARAMETER(hotkey);
	source = pressed ? obs_weak_source_get_source(filter->self) : NULL;
	if (!source)
		return;
	settings = obs_source_get_settings(source);
	change = obs_data_create();
	obs_data_set_string(change, "view", next_view(obs_data_get_string(settings, "view")));
	obs_source_update(source, change);
	obs_data_release(change);
	obs_data_release(settings);
	obs_source_release(source);
}

static const struct {
	const char *name;
	const char *text;
	obs_hotkey_func pressed;
} hotkeys[] = {
        {"reset", "Hotkey.Reset", on_reset},
        {"cover", "Hotkey.Cover", on_cover},
        {"next_view", "Hotkey.NextView", on_next_view},
};
#define HOTKEYS (sizeof(hotkeys) / sizeof(hotkeys[0]))
static_assert(HOTKEYS == sizeof(((struct mb_filter *)0)->hotkeys) / sizeof(obs_hotkey_id), "a place for each");

static void describe(const struct mb_filter *filter, size_t index, struct dstr *out)
{
	dstr_copy(out, obs_module_text(hotkeys[index].text));
	dstr_replace(out, "%1", obs_source_get_name(filter->source));
}

void mb_hotkeys_register(struct mb_filter *filter, obs_source_t *parent)
{
	for (size_t i = 0; i < HOTKEYS; i++) {
		struct dstr description = {0};
		char name[64];

		/* The id keeps the filters of one source apart, and a user's keys over restarts and renaming. */
		snprintf(name, sizeof(name), "mattebox.%s.%s", filter->id, hotkeys[i].name);
		describe(filter, i, &description);
		filter->hotkeys[i] =
		        obs_hotkey_register_source(parent, name, description.array, hotkeys[i].pressed, filter);
		dstr_free(&description);
	}
}

void mb_hotkeys_rename(struct mb_filter *filter)
{
	for (size_t i = 0; i < HOTKEYS; i++) {
		struct dstr description = {0};

		if (filter->hotkeys[i] == OBS_INVALID_HOTKEY_ID)
			continue;
		describe(filter, i, &description);
		obs_hotkey_set_description(filter->hotkeys[i], description.array);
		dstr_free(&description);
	}
}

void mb_hotkeys_unregister(struct mb_filter *filter)
{
	for (size_t i = 0; i < HOTKEYS; i++) {
		/* Ids are not used twice: one that went with its source is not found, and that is all. */
		if (filter->hotkeys[i] != OBS_INVALID_HOTKEY_ID)
			obs_hotkey_unregister(filter->hotkeys[i]);
		filter->hotkeys[i] = OBS_INVALID_HOTKEY_ID;
	}
}
