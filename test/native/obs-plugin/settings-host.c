/* The filter's settings as a process: a line of JSON in, as OBS holds it; out
 * what is read of it, as the wire has it. With `apply` before it: what a peer's
 * changes are taken, and what stands then. settings.test.ts drives it. */
#include <stdio.h>
#include <string.h>

#include <obs.h>
#include <util/bmem.h>

#include "settings.h"

static void answer(char *line)
{
	bool apply = strncmp(line, "apply ", 6) == 0;
	obs_data_t *input = obs_data_create_from_json(apply ? line + 6 : line);
	obs_data_t *data = obs_data_create();
	struct mb_settings settings;
	int taken = 0;
	char *json;

	mb_settings_defaults(data);
	if (apply)
		taken = mb_settings_apply(data, input);
	else
		obs_data_apply(data, input);
	mb_settings_read(data, &settings);
	json = mb_settings_json(&settings);
	printf("{\"taken\":%d,\"settings\":%s,\"stamp\":%s}\n", taken, json, settings.stamp ? "true" : "false");
	fflush(stdout);
	bfree(json);
	obs_data_release(data);
	obs_data_release(input);
}

int main(void)
{
	static char line[1 << 20];
	long allocations = bnum_allocs();

	while (fgets(line, sizeof(line), stdin))
		answer(line);
	printf("{\"leaked\":%ld}\n", bnum_allocs() - allocations);
	return 0;
}
