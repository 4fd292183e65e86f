/* test/native/channel/footprint.h - what this process holds of the kernel. */
#ifndef MB_TEST_FOOTPRINT_H
#define MB_TEST_FOOTPRINT_H

struct footprint {
	int descriptors;
	int memories; /* mappings of memfds */
};

struct footprint footprint_now(void);

/* Expects that nothing was leaked, and nothing closed that was not ours. */
void expect_footprint(struct footprint wanted);

#endif
