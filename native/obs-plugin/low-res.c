#include "low-res.h"

#define MULTIPLE 16.0
#define SIDE_MAX 1024.0
/* Longest side under `auto`. */
#define AUTO_LONGEST_SIDE 512.0

static uint32_t side(uint32_t source, double ratio)
{
	/* JavaScript's Math.round, for positive numbers. */
	const uint32_t rounded = (uint32_t)((double)source * ratio / MULTIPLE + 0.5) * (uint32_t)MULTIPLE;
	return rounded < (uint32_t)MULTIPLE ? (uint32_t)MULTIPLE : rounded;
}

struct mb_low_res mb_low_res(uint32_t source_width, uint32_t source_height, double ratio)
{
	const double longest = source_width > source_height ? source_width : source_height;
	double effective = ratio;
	if (!(ratio > 0.0)) {
		effective = AUTO_LONGEST_SIDE / longest;
		if (effective > 1.0)
			effective = 1.0;
	}
	if (longest * effective > SIDE_MAX)
		effective = SIDE_MAX / longest;

	return (struct mb_low_res){
	        .width = side(source_width, effective), .height = side(source_height, effective), .ratio = effective};
}
