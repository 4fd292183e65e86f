/* native/obs-plugin/regions.h - polygons to a small mask. Pure. */
#ifndef MB_REGIONS_H
#define MB_REGIONS_H

#include <stdbool.h>
#include <stdint.h>

/* Longest side of the mask. */
#define MB_MASK_SIDE 256u
#define MB_POLYGON_POINTS_MAX 64u

/* One polygon: `count` points (x, y), 0..1 of the picture. */
struct mb_polygon {
	const float (*points)[2];
	uint32_t count;
	bool keep; /* else keep out */
};

/* The mask's size for a picture: its longest side is MB_MASK_SIDE. */
void mb_mask_size(uint32_t source_width, uint32_t source_height, uint32_t *width, uint32_t *height);

/* Draws the polygons (even-odd) into `mask` [height, width, 2]: how much of each cell is kept out, and how much is
 * kept, 0 or 255 by the cell's centre. */
void mb_mask_draw(const struct mb_polygon *polygons, uint32_t count, uint32_t width, uint32_t height, uint8_t *mask);

#endif
