#include "scratch_folder.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "expect.h"

static char folder[64];
static pid_t owner;

static int remove_one(const char *path, const struct stat *file, int kind, struct FTW *where)
{
	(void)file;
	(void)kind;
	(void)where;
	return remove(path);
}

static void remove_all(void)
{
	/* Not by a forked child. */
	if (getpid() == owner)
		nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

const char *scratch_folder(void)
{
	if (owner == 0) {
		/* Short, and not $TMPDIR: a socket's address holds 107 bytes. */
		snprintf(folder, sizeof(folder), "/tmp/mattebox-test-XXXXXX");
		EXPECT(mkdtemp(folder) != NULL);
		owner = getpid();
		atexit(remove_all);
	}
	return folder;
}

char *scratch_path(const char *name)
{
	char *path = NULL;

	EXPECT(asprintf(&path, "%s/%s", scratch_folder(), name) > 0);
	return path;
}
