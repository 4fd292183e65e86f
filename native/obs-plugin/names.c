/* The names of the filter and of its source: found on the graphics thread, where the source is known first (a filter is
 * made without one), told on the link thread, which may wait for OBS's locks. */
#include <obs-module.h>
#include <util/bmem.h>

#include "filter.h"

/* U, under the signal's lock: only a note, for L may be waiting for that lock. */
static void on_rename(void *data, calldata_t *call)
{
	struct mb_filter *filter = data;

	UNUSED_PARAMETER(call);
	os_atomic_set_bool(&filter->renamed, true);
}

void mb_names_start(struct mb_filter *filter)
{
	for (int i = 0; i < 3; i++)
		filter->hotkeys[i] = OBS_INVALID_HOTKEY_ID;
	signal_handler_connect(obs_source_get_signal_handler(filter->source), "rename", on_rename, filter);
}

static void leave_parent(struct mb_filter *filter)
{
	obs_source_t *parent = obs_weak_source_get_source(filter->parent);

	/* A parent that is gone took its hotkeys and signals along. */
	mb_hotkeys_unregister(filter);
	if (parent) {
		signal_handler_disconnect(obs_source_get_signal_handler(parent), "rename", on_rename, filter);
		obs_source_release(parent);
	}
	obs_weak_source_release(filter->parent);
	filter->parent = NULL;
}

void mb_names_stop(struct mb_filter *filter)
{
	signal_handler_disconnect(obs_source_get_signal_handler(filter->source), "rename", on_rename, filter);
	leave_parent(filter);
	obs_weak_source_release(atomic_exchange(&filter->found_parent, NULL));
}

void mb_names_tick(struct mb_filter *filter)
{
	obs_source_t *parent = obs_filter_get_parent(filter->source);

	if (parent && parent != filter->parent_seen) {
		filter->parent_seen = parent;
		obs_weak_source_release(atomic_exchange(&filter->found_parent, obs_source_get_weak_source(parent)));
		mb_link_wake_filter(filter->link);
	} else if (os_atomic_load_bool(&filter->renamed)) {
		mb_link_wake_filter(filter->link);
	}
}

void mb_names_work(struct mb_filter *filter)
{
	obs_weak_source_t *found = atomic_exchange(&filter->found_parent, NULL);
	bool renamed = os_atomic_set_bool(&filter->renamed, false);
	obs_source_t *parent;

	if (!found && !renamed)
		return;
	if (found) {
		leave_parent(filter);
		filter->parent = found;
	}
	parent = obs_weak_source_get_source(filter->parent);
	if (!parent)
		return;
	if (found) {
		signal_handler_connect(obs_source_get_signal_handler(parent), "rename", on_rename, filter);
		mb_hotkeys_register(filter, parent);
	} else {
		mb_hotkeys_rename(filter);
	}
	mb_link_names(filter->link, obs_source_get_name(parent), obs_source_get_name(filter->source),
	        obs_obj_is_private(parent));
	obs_source_release(parent);
}
