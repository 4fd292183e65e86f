#include "settings.h"

#include <assert.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "json-writer.h"

/* The words of a choice, in the order of its enum; the first is the default. */
struct choice {
	const char *key;
	size_t field;
	const char *words[5];
};

static const struct choice choices[] = {
        {"refiner", offsetof(struct mb_settings, refiner), {"deep", "fast", "none"}},
        {"background", offsetof(struct mb_settings, background), {"remove", "blur"}},
        {"view", offsetof(struct mb_settings, view), {"result", "alpha", "foreground"}},
        {"pairing", offsetof(struct mb_settings, pairing), {"matched", "newest"}},
        {"in_between", offsetof(struct mb_settings, in_between), {"nearest", "hold"}},
        {"when_unavailable", offsetof(struct mb_settings, when_unavailable), {"hide", "freeze", "blur", "show"}},
        {"reset_on_scene_change", offsetof(struct mb_settings, reset_on_scene_change), {"always", "when-new", "never"}},
};

struct number {
	const char *key;
	double minimum;
	double maximum;
	double initial;
};

/* A ratio is 0 (auto) or in this range. */
static const struct number ratio_range = {"ratio", 0.05, 1, 0};

enum number_index { BLUR_RADIUS, LEVEL_LOW, LEVEL_HIGH, FEATHER, MAX_DELAY_MS };

static const struct number numbers[] = {
        [BLUR_RADIUS] = {"blur_radius", 0, 64, 24},
        [LEVEL_LOW] = {"level_low", 0, 1, 0},
        [LEVEL_HIGH] = {"level_high", 0, 1, 1},
        [FEATHER] = {"feather", -8, 8, 0},
        [MAX_DELAY_MS] = {"max_delay_ms", 20, 500, 150},
};

struct flag {
	const char *key;
	size_t field;
	bool initial;
	bool local; /* a debugging aid that the wire does not know */
};

static const struct flag flags[] = {
        {"decontaminate", offsetof(struct mb_settings, decontaminate), true, false},
        {"cut_detection", offsetof(struct mb_settings, cut_detection), true, false},
        {"stamp", offsetof(struct mb_settings, stamp), false, true},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static_assert(sizeof(enum mb_view) == sizeof(unsigned), "enums of struct mb_settings are reached as unsigned");

static unsigned *choice_field(struct mb_settings *settings, const struct choice *choice)
{
	return (unsigned *)(void *)((char *)settings + choice->field);
}

static int word_index(const struct choice *choice, const char *word)
{
	for (int i = 0; choice->words[i]; i++) {
		if (word && strcmp(choice->words[i], word) == 0)
			return i;
	}
	return -1;
}

static double clamped(const struct number *number, double value)
{
	if (isnan(value))
		return number->initial;
	return fmin(fmax(value, number->minimum), number->maximum);
}

static double ratio_of(double value)
{
	return value > 0 ? clamped(&ratio_range, value) : 0;
}

void mb_settings_defaults(obs_data_t *data)
{
	obs_data_set_default_double(data, ratio_range.key, ratio_range.initial);
	for (size_t i = 0; i < COUNT(choices); i++)
		obs_data_set_default_string(data, choices[i].key, choices[i].words[0]);
	for (size_t i = 0; i < COUNT(numbers); i++)
		obs_data_set_default_double(data, numbers[i].key, numbers[i].initial);
	for (size_t i = 0; i < COUNT(flags); i++)
		obs_data_set_default_bool(data, flags[i].key, flags[i].initial);
}

/* --- regions: [{kind: "keep_out" | "keep", points: [{x, y}, ...]}] ------------------------------------------------ */

static float coordinate(obs_data_t *point, const char *key)
{
	double value = obs_data_get_double(point, key);

	return isnan(value) ? 0.0F : (float)fmin(fmax(value, 0), 1);
}

static void region_read(obs_data_t *item, struct mb_region *out)
{
	obs_data_array_t *points = obs_data_get_array(item, "points");
	size_t count = obs_data_array_count(points);

	if (count > MB_REGION_POINTS_MAX)
		count = MB_REGION_POINTS_MAX;
	memset(out, 0, sizeof(*out));
	out->keep = strcmp(obs_data_get_string(item, "kind"), "keep") == 0;
	out->count = (uint32_t)count;
	for (size_t i = 0; i < count; i++) {
		obs_data_t *point = obs_data_array_item(points, i);

		out->points[i][0] = coordinate(point, "x");
		out->points[i][1] = coordinate(point, "y");
		obs_data_release(point);
	}
	obs_data_array_release(points);
}

static void regions_read(obs_data_t *data, struct mb_settings *out)
{
	obs_data_array_t *regions = obs_data_get_array(data, "regions");
	size_t count = obs_data_array_count(regions);

	out->region_count = 0;
	for (size_t i = 0; i < count && out->region_count < MB_REGIONS_MAX; i++) {
		obs_data_t *item = obs_data_array_item(regions, i);

		/* Fewer than three points enclose nothing. */
		region_read(item, &out->regions[out->region_count]);
		if (out->regions[out->region_count].count >= 3)
			out->region_count++;
		obs_data_release(item);
	}
	obs_data_array_release(regions);
}

/* --- read --------------------------------------------------------------------------------------------------------- */

void mb_settings_read(obs_data_t *data, struct mb_settings *out)
{
	memset(out, 0, sizeof(*out));
	out->ratio = ratio_of(obs_data_get_double(data, ratio_range.key));
	for (size_t i = 0; i < COUNT(choices); i++) {
		int index = word_index(&choices[i], obs_data_get_string(data, choices[i].key));

		*choice_field(out, &choices[i]) = index < 0 ? 0 : (unsigned)index;
	}
	out->blur_radius = (float)clamped(&numbers[BLUR_RADIUS], obs_data_get_double(data, numbers[BLUR_RADIUS].key));
	out->level_low = (float)clamped(&numbers[LEVEL_LOW], obs_data_get_double(data, numbers[LEVEL_LOW].key));
	out->level_high = (float)clamped(&numbers[LEVEL_HIGH], obs_data_get_double(data, numbers[LEVEL_HIGH].key));
	out->feather = (float)clamped(&numbers[FEATHER], obs_data_get_double(data, numbers[FEATHER].key));
	out->max_delay_ms =
	        (uint32_t)lround(clamped(&numbers[MAX_DELAY_MS], obs_data_get_double(data, numbers[MAX_DELAY_MS].key)));
	for (size_t i = 0; i < COUNT(flags); i++)
		*(bool *)((char *)out + flags[i].field) = obs_data_get_bool(data, flags[i].key);
	regions_read(data, out);
}

/* --- write -------------------------------------------------------------------------------------------------------- */

static void regions_write(struct mb_json *json, const struct mb_settings *settings)
{
	mb_json_open(json, "regions", '[');
	for (uint32_t i = 0; i < settings->region_count; i++) {
		const struct mb_region *region = &settings->regions[i];

		mb_json_open(json, NULL, '{');
		mb_json_string(json, "kind", region->keep ? "keep" : "keep_out");
		mb_json_open(json, "points", '[');
		for (uint32_t p = 0; p < region->count; p++) {
			mb_json_open(json, NULL, '{');
			mb_json_number(json, "x", (double)region->points[p][0]);
			mb_json_number(json, "y", (double)region->points[p][1]);
			mb_json_close(json, '}');
		}
		mb_json_close(json, ']');
		mb_json_close(json, '}');
	}
	mb_json_close(json, ']');
}

/* float keeps seven digits: 0.1f is sent as 0.1, not as 0.100000001. */
static double shortest(float value)
{
	return round((double)value * 1e6) / 1e6;
}

char *mb_settings_json(const struct mb_settings *settings)
{
	struct mb_json json = {0};

	mb_json_open(&json, NULL, '{');
	mb_json_number(&json, ratio_range.key, settings->ratio);
	for (size_t i = 0; i < COUNT(choices); i++) {
		unsigned index = *choice_field((struct mb_settings *)settings, &choices[i]);

		mb_json_string(&json, choices[i].key, choices[i].words[index]);
	}
	mb_json_number(&json, numbers[BLUR_RADIUS].key, shortest(settings->blur_radius));
	mb_json_number(&json, numbers[LEVEL_LOW].key, shortest(settings->level_low));
	mb_json_number(&json, numbers[LEVEL_HIGH].key, shortest(settings->level_high));
	mb_json_number(&json, numbers[FEATHER].key, shortest(settings->feather));
	mb_json_integer(&json, numbers[MAX_DELAY_MS].key, settings->max_delay_ms);
	for (size_t i = 0; i < COUNT(flags); i++) {
		if (!flags[i].local)
			mb_json_bool(&json, flags[i].key, *(const bool *)((const char *)settings + flags[i].field));
	}
	regions_write(&json, settings);
	mb_json_close(&json, '}');
	return json.text.array;
}

/* --- apply: stricter than read, for a peer should hear that its value was not taken ------------------------------- */

static bool valid_number(obs_data_item_t *item, const struct number *number)
{
	double value = obs_data_item_get_double(item);

	return obs_data_item_gettype(item) == OBS_DATA_NUMBER && value >= number->minimum && value <= number->maximum;
}

static bool valid_coordinate(obs_data_t *point, const char *key)
{
	static const struct number unit = {NULL, 0, 1, 0};
	obs_data_item_t *item = obs_data_item_byname(point, key);
	bool valid = item && valid_number(item, &unit);

	obs_data_item_release(&item);
	return valid;
}

static bool valid_region(obs_data_t *region)
{
	const char *kind = obs_data_get_string(region, "kind");
	obs_data_array_t *points = obs_data_get_array(region, "points");
	size_t count = obs_data_array_count(points);
	bool valid = count >= 3 && count <= MB_REGION_POINTS_MAX;

	valid = valid && (strcmp(kind, "keep") == 0 || strcmp(kind, "keep_out") == 0);
	for (size_t i = 0; valid && i < count; i++) {
		obs_data_t *point = obs_data_array_item(points, i);

		valid = valid_coordinate(point, "x") && valid_coordinate(point, "y");
		obs_data_release(point);
	}
	obs_data_array_release(points);
	return valid;
}

static bool valid_regions(obs_data_item_t *item)
{
	obs_data_array_t *regions;
	size_t count;
	bool valid;

	if (obs_data_item_gettype(item) != OBS_DATA_ARRAY)
		return false;
	regions = obs_data_item_get_array(item);
	count = obs_data_array_count(regions);
	valid = count <= MB_REGIONS_MAX;
	for (size_t i = 0; valid && i < count; i++) {
		obs_data_t *region = obs_data_array_item(regions, i);

		valid = valid_region(region);
		obs_data_release(region);
	}
	obs_data_array_release(regions);
	return valid;
}

/* Takes one setting over; false where the key is unknown or the value is none of its values. */
static bool apply_item(obs_data_t *data, obs_data_item_t *item)
{
	const char *key = obs_data_item_get_name(item);
	enum obs_data_type type = obs_data_item_gettype(item);

	if (strcmp(key, ratio_range.key) == 0) {
		double value = obs_data_item_get_double(item);

		if (type != OBS_DATA_NUMBER || (value != 0 && !valid_number(item, &ratio_range)))
			return false;
		obs_data_set_double(data, key, value);
		return true;
	}
	if (strcmp(key, "regions") == 0) {
		obs_data_array_t *regions;

		if (!valid_regions(item))
			return false;
		regions = obs_data_item_get_array(item);
		obs_data_set_array(data, key, regions);
		obs_data_array_release(regions);
		return true;
	}
	for (size_t i = 0; i < COUNT(choices); i++) {
		if (strcmp(key, choices[i].key) != 0)
			continue;
		if (type != OBS_DATA_STRING || word_index(&choices[i], obs_data_item_get_string(item)) < 0)
			return false;
		obs_data_set_string(data, key, obs_data_item_get_string(item));
		return true;
	}
	for (size_t i = 0; i < COUNT(numbers); i++) {
		if (strcmp(key, numbers[i].key) != 0)
			continue;
		if (!valid_number(item, &numbers[i]))
			return false;
		obs_data_set_double(data, key, obs_data_item_get_double(item));
		return true;
	}
	for (size_t i = 0; i < COUNT(flags); i++) {
		if (strcmp(key, flags[i].key) != 0 || flags[i].local)
			continue;
		if (type != OBS_DATA_BOOLEAN)
			return false;
		obs_data_set_bool(data, key, obs_data_item_get_bool(item));
		return true;
	}
	return false;
}

int mb_settings_apply(obs_data_t *data, obs_data_t *changes)
{
	int taken = 0;

	for (obs_data_item_t *item = obs_data_first(changes); item; obs_data_item_next(&item))
		taken += apply_item(data, item);
	return taken;
}
