/* native/obs-plugin/low-res.h - the size of the frame that the network sees. Pure; the same rule as
 * src/model/low-resolution.ts. */
#ifndef MB_LOW_RES_H
#define MB_LOW_RES_H

#include <stdint.h>

struct mb_low_res {
	uint32_t width; /* multiples of 16 in 16..1024 */
	uint32_t height;
	double ratio; /* in effect: the one that was asked for, or less where a side would have passed 1024 */
};

/* For a source of `source_width` x `source_height` pixels (neither 0) and the setting `ratio` (0 = auto). */
struct mb_low_res mb_low_res(uint32_t source_width, uint32_t source_height, double ratio);

#endif
