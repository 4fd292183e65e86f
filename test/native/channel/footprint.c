#include "footprint.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "expect.h"

struct footprint footprint_now(void)
{
	struct footprint now = {0};
	char line[1024];

	DIR *descriptors = opendir("/proc/self/fd");
	EXPECT(descriptors != NULL);
	while (readdir(descriptors))
		now.descriptors++;
	closedir(descriptors);

	FILE *maps = fopen("/proc/self/maps", "r");
	EXPECT(maps != NULL);
	while (fgets(line, sizeof(line), maps))
		now.memories += strstr(line, "/memfd:") != NULL;
	fclose(maps);
	return now;
}

void expect_footprint(struct footprint wanted)
{
	const struct footprint now = footprint_now();
	EXPECT_EQUAL(now.descriptors, wanted.descriptors);
	EXPECT_EQUAL(now.memories, wanted.memories);
}
