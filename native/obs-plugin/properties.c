/* The properties page: the state of things in words, then every setting. */
#include <obs-module.h>
#include <string.h>
#include <util/bmem.h>
#include <util/dstr.h>

#include "filter.h"

#define T(key) obs_module_text(key)

static const char *const state_property = "state";

/* --- state -------------------------------------------------------------------------------------------------------- */

static void describe(struct mb_filter *filter, obs_property_t *property)
{
	char *link = mb_link_describe(filter->link);
	struct dstr text = {0};

	if (os_atomic_load_bool(&filter->cover))
		dstr_printf(&text, "%s\n", T("State.Covered"));
	dstr_cat(&text, link);
	obs_property_set_description(property, text.array);
	dstr_free(&text);
	bfree(link);
}

static bool refresh(obs_properties_t *properties, obs_property_t *button, void *data)
{
	UNUSED_PARAMETER(button);
	describe(data, obs_properties_get(properties, state_property));
	return true;
}

/* --- settings ----------------------------------------------------------------------------------------------------- */

static obs_property_t *add_list(obs_properties_t *group, const char *key, const char *text)
{
	return obs_properties_add_list(group, key, T(text), OBS_COMBO_TYPE_LIST, OBS_COMBO_FORMAT_STRING);
}

static obs_property_t *add_slider(
        obs_properties_t *group, const char *key, const char *text, double low, double high, double step)
{
	return obs_properties_add_float_slider(group, key, T(text), low, high, step);
}

static void add_pixels(obs_properties_t *group, const char *key, const char *text, double low, double high)
{
	obs_property_t *slider = add_slider(group, key, text, low, high, 0.5);

	obs_property_float_set_suffix(slider, T("Unit.Pixels"));
	obs_property_set_long_description(slider, T("Unit.Pixels.About"));
}

static bool background_changed(obs_properties_t *properties, obs_property_t *list, obs_data_t *settings)
{
	bool blurs = strcmp(obs_data_get_string(settings, "background"), "blur") == 0;

	UNUSED_PARAMETER(list);
	obs_property_set_visible(obs_properties_get(properties, "blur_radius"), blurs);
	return true;
}

static bool pairing_changed(obs_properties_t *properties, obs_property_t *list, obs_data_t *settings)
{
	bool matched = strcmp(obs_data_get_string(settings, "pairing"), "matched") == 0;

	UNUSED_PARAMETER(list);
	obs_property_set_visible(obs_properties_get(properties, "in_between"), matched);
	obs_property_set_visible(obs_properties_get(properties, "max_delay_ms"), matched);
	return true;
}

static bool policy_changed(obs_properties_t *properties, obs_property_t *list, obs_data_t *settings)
{
	bool shows = strcmp(obs_data_get_string(settings, "when_unavailable"), "show") == 0;

	UNUSED_PARAMETER(list);
	obs_property_set_visible(obs_properties_get(properties, "show_warning"), shows);
	return true;
}

static obs_properties_t *picture_group(void)
{
	obs_properties_t *group = obs_properties_create();
	obs_property_t *list = add_list(group, "view", "View");

	obs_property_list_add_string(list, T("View.Result"), "result");
	obs_property_list_add_string(list, T("View.Alpha"), "alpha");
	obs_property_list_add_string(list, T("View.Foreground"), "foreground");
	list = add_list(group, "background", "Background");
	obs_property_list_add_string(list, T("Background.Remove"), "remove");
	obs_property_list_add_string(list, T("Background.Blur"), "blur");
	obs_property_set_modified_callback(list, background_changed);
	add_pixels(group, "blur_radius", "BlurRadius", 0, 64);
	return group;
}

static obs_properties_t *matte_group(void)
{
	obs_properties_t *group = obs_properties_create();
	obs_property_t *property = add_slider(group, "ratio", "Ratio", 0, 1, 0.005);

	obs_property_set_long_description(property, T("Ratio.About"));
	property = add_list(group, "refiner", "Refiner");
	obs_property_list_add_string(property, T("Refiner.Deep"), "deep");
	obs_property_list_add_string(property, T("Refiner.Fast"), "fast");
	obs_property_list_add_string(property, T("Refiner.None"), "none");
	property = obs_properties_add_bool(group, "decontaminate", T("Decontaminate"));
	obs_property_set_long_description(property, T("Decontaminate.About"));
	add_slider(group, "level_low", "LevelLow", 0, 1, 0.01);
	add_slider(group, "level_high", "LevelHigh", 0, 1, 0.01);
	add_pixels(group, "feather", "Feather", -8, 8);
	obs_properties_add_text(group, "regions_about", T("Regions.About"), OBS_TEXT_INFO);
	return group;
}

static obs_properties_t *time_group(void)
{
	obs_properties_t *group = obs_properties_create();
	obs_property_t *property = add_list(group, "pairing", "Pairing");

	obs_property_list_add_string(property, T("Pairing.Matched"), "matched");
	obs_property_list_add_string(property, T("Pairing.Newest"), "newest");
	obs_property_set_long_description(property, T("Pairing.About"));
	obs_property_set_modified_callback(property, pairing_changed);
	property = add_list(group, "in_between", "InBetween");
	obs_property_list_add_string(property, T("InBetween.Nearest"), "nearest");
	obs_property_list_add_string(property, T("InBetween.Hold"), "hold");
	property = obs_properties_add_int_slider(group, "max_delay_ms", T("MaxDelay"), 20, 500, 1);
	obs_property_int_set_suffix(property, T("Unit.Milliseconds"));
	return group;
}

static obs_properties_t *unavailable_group(void)
{
	obs_properties_t *group = obs_properties_create();
	obs_property_t *list = add_list(group, "when_unavailable", "WhenUnavailable");
	obs_property_t *warning;

	obs_property_list_add_string(list, T("WhenUnavailable.Hide"), "hide");
	obs_property_list_add_string(list, T("WhenUnavailable.Freeze"), "freeze");
	obs_property_list_add_string(list, T("WhenUnavailable.Blur"), "blur");
	obs_property_list_add_string(list, T("WhenUnavailable.Show"), "show");
	obs_property_set_modified_callback(list, policy_changed);
	warning = obs_properties_add_text(group, "show_warning", T("WhenUnavailable.Warning"), OBS_TEXT_INFO);
	obs_property_text_set_info_type(warning, OBS_TEXT_INFO_ERROR);
	return group;
}

static obs_properties_t *memory_group(void)
{
	obs_properties_t *group = obs_properties_create();
	obs_property_t *list = add_list(group, "reset_on_scene_change", "SceneReset");

	obs_property_list_add_string(list, T("SceneReset.Always"), "always");
	obs_property_list_add_string(list, T("SceneReset.WhenNew"), "when-new");
	obs_property_list_add_string(list, T("SceneReset.Never"), "never");
	obs_properties_add_bool(group, "cut_detection", T("CutDetection"));
	return group;
}

static void add_group(obs_properties_t *page, const char *name, const char *text, obs_properties_t *group)
{
	obs_properties_add_group(page, name, T(text), OBS_GROUP_NORMAL, group);
}

obs_properties_t *mb_properties(void *data)
{
	obs_properties_t *page = obs_properties_create();

	/* OBS asks without a filter where it wants the type's page. */
	if (data) {
		describe(data, obs_properties_add_text(page, state_property, "", OBS_TEXT_INFO));
		obs_properties_add_button2(page, "refresh", T("Refresh"), refresh, data);
	}
	add_group(page, "group_picture", "Group.Picture", picture_group());
	add_group(page, "group_unavailable", "Group.Unavailable", unavailable_group());
	add_group(page, "group_matte", "Group.Matte", matte_group());
	add_group(page, "group_time", "Group.Time", time_group());
	add_group(page, "group_memory", "Group.Memory", memory_group());
	obs_properties_add_bool(page, "stamp", T("Stamp"));
	return page;
}
