/* test/native/channel/scratch_folder.h - a folder of this process's own, gone when the process ends. */
#ifndef MB_TEST_SCRATCH_FOLDER_H
#define MB_TEST_SCRATCH_FOLDER_H

/* Made at the first call. */
const char *scratch_folder(void);

/* A path in it; the caller frees. */
char *scratch_path(const char *name);

#endif
