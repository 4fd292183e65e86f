/* native/obs-plugin/settings.h - the filter's settings: keys, defaults, ranges. src/settings/schema.ts holds the same;
 * a test compares the two. */
#ifndef MB_SETTINGS_H
#define MB_SETTINGS_H

#include <obs-module.h>

#define MB_REGIONS_MAX 16
#define MB_REGION_POINTS_MAX 64

enum mb_refiner { MB_REFINER_DEEP, MB_REFINER_FAST, MB_REFINER_NONE };
enum mb_background { MB_BACKGROUND_REMOVE, MB_BACKGROUND_BLUR };
enum mb_view { MB_VIEW_RESULT, MB_VIEW_ALPHA, MB_VIEW_FOREGROUND };
enum mb_pairing { MB_PAIRING_MATCHED, MB_PAIRING_NEWEST };
enum mb_in_between { MB_IN_BETWEEN_NEAREST, MB_IN_BETWEEN_HOLD };
enum mb_policy { MB_POLICY_HIDE, MB_POLICY_FREEZE, MB_POLICY_BLUR, MB_POLICY_SHOW };
enum mb_scene_reset { MB_SCENE_RESET_ALWAYS, MB_SCENE_RESET_WHEN_NEW, MB_SCENE_RESET_NEVER };

struct mb_region {
	bool keep; /* else keep out */
	uint32_t count;
	float points[MB_REGION_POINTS_MAX][2]; /* 0..1 of the source */
};

struct mb_settings {
	double ratio; /* 0 = auto, else 0.05..1 */
	enum mb_refiner refiner;
	enum mb_background background;
	float blur_radius; /* 0..64 pixels of a 1080-line picture */
	enum mb_view view;
	bool decontaminate;
	float level_low;  /* 0..1 */
	float level_high; /* 0..1 */
	float feather;    /* -8..8 pixels of a 1080-line picture; negative shrinks */
	enum mb_pairing pairing;
	enum mb_in_between in_between;
	uint32_t max_delay_ms; /* 20..500 */
	enum mb_policy when_unavailable;
	enum mb_scene_reset reset_on_scene_change;
	bool cut_detection;
	bool stamp; /* debug: the shown frame's id over the output */
	uint32_t region_count;
	struct mb_region regions[MB_REGIONS_MAX];
};

/* Defaults as OBS wants them. */
void mb_settings_defaults(obs_data_t *data);
/* Reads what OBS holds; what is out of range is clamped, an unknown word is the default. Any thread. */
void mb_settings_read(obs_data_t *data, struct mb_settings *out);
/* All settings as JSON for the wire, in canonical words and numbers. The caller frees it with bfree. */
char *mb_settings_json(const struct mb_settings *settings);
/* Takes the keys of `changes` that exist and are valid into `data` (a filter's settings).
 * Returns how many were taken; the rest stays as it was. */
int mb_settings_apply(obs_data_t *data, obs_data_t *changes);

#endif
