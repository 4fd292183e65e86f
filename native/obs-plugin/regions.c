#include "regions.h"

#include <math.h>
#include <string.h>

void mb_mask_size(uint32_t source_width, uint32_t source_height, uint32_t *width, uint32_t *height)
{
	const uint64_t longest = source_width > source_height ? source_width : source_height;
	*width = (uint32_t)(((uint64_t)source_width * MB_MASK_SIDE + longest - 1) / longest);
	*height = (uint32_t)(((uint64_t)source_height * MB_MASK_SIDE + longest - 1) / longest);
}

/* Where the polygon's edges cross a row, ascending; an edge's upper end belongs to it, its lower one does not. */
static uint32_t crossings(const struct mb_polygon *polygon, float y, float *out)
{
	uint32_t count = 0;
	for (uint32_t i = 0, j = polygon->count - 1; i < polygon->count; j = i++) {
		const float *a = polygon->points[i];
		const float *b = polygon->points[j];
		if ((a[1] > y) == (b[1] > y))
			continue;
		const float x = a[0] + (y - a[1]) / (b[1] - a[1]) * (b[0] - a[0]);
		uint32_t at = count++;
		for (; at > 0 && out[at - 1] > x; at--)
			out[at] = out[at - 1];
		out[at] = x;
	}
	return count;
}

/* First cell whose centre lies right of `x` (0..1), 0..width. */
static uint32_t first_cell(float x, uint32_t width)
{
	const float cell = floorf(x * (float)width + 0.5f);
	if (!(cell > 0.0f))
		return 0;
	return cell > (float)width ? width : (uint32_t)cell;
}

void mb_mask_draw(const struct mb_polygon *polygons, uint32_t count, uint32_t width, uint32_t height, uint8_t *mask)
{
	memset(mask, 0, (size_t)width * height * 2);
	for (uint32_t i = 0; i < count; i++) {
		if (polygons[i].count < 3 || polygons[i].count > MB_POLYGON_POINTS_MAX)
			continue;
		const size_t channel = polygons[i].keep ? 1 : 0;
		for (uint32_t row = 0; row < height; row++) {
			float at[MB_POLYGON_POINTS_MAX];
			const uint32_t found = crossings(&polygons[i], ((float)row + 0.5f) / (float)height, at);
			for (uint32_t pair = 0; pair + 1 < found; pair += 2) {
				const uint32_t end = first_cell(at[pair + 1], width);
				for (uint32_t column = first_cell(at[pair], width); column < end; column++)
					mask[((size_t)row * width + column) * 2 + channel] = 255;
			}
		}
	}
}
