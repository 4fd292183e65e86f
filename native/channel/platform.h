/* native/channel/platform.h - what memory.c needs of the operating system. platform_linux.c gives it; a
 * platform_windows.c would. The descriptors are the callee's on failure: it closes what it cannot hand back. */
#ifndef MB_PLATFORM_H
#define MB_PLATFORM_H

#include <stddef.h>
#include <stdint.h>

#include "wire.h"

/* Makes shared memory of zeros that can neither shrink nor grow. Returns a descriptor, or a negative errno. */
int mb_platform_memory_create(size_t bytes);

/* Whether a peer's descriptor is shared memory that can neither shrink nor grow, and how large it is; copies the header
 * without mapping. Returns 0, -EPROTO with the fault in `*why`, or another errno. */
int mb_platform_memory_inspect(int fd, struct mb_header *copy, uint64_t *bytes, const char **why);

/* Maps all of it for reading and writing. Returns 0, -EPROTO with the fault in `*why` where that is not allowed, or
 * another errno. */
int mb_platform_memory_map(int fd, size_t bytes, unsigned char **base, const char **why);

void mb_platform_memory_unmap(unsigned char *base, size_t bytes);

void mb_platform_close(int fd);

#endif
