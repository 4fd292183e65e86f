/* native/channel/layout.c - where rings and slots lie in a memory of a given low resolution. */
#include <errno.h>

#include "channel.h"

static uint32_t round_up(uint32_t bytes)
{
	return (bytes + MB_ALIGN - 1) / MB_ALIGN * MB_ALIGN;
}

static bool is_side(uint32_t side)
{
	return side >= MB_SIDE_MIN && side <= MB_SIDE_MAX && side % MB_SIDE_MULTIPLE == 0;
}

int mb_layout(uint32_t width, uint32_t height, struct mb_header *out)
{
	if (!is_side(width) || !is_side(height))
		return -EINVAL;

	const uint32_t pixels = width * height;
	const uint32_t frame_stride = round_up(MB_SLOT_DATA + pixels * MB_BYTES_PER_PIXEL);
	/* Room for all planes at all times: switching the foreground on needs no other memory. */
	const uint32_t matte_stride = round_up(MB_SLOT_DATA + pixels * MB_PLANES_MAX * (uint32_t)sizeof(uint16_t));
	const uint64_t frames = MB_ALIGN;
	const uint64_t mattes = frames + MB_ALIGN + (uint64_t)MB_SLOTS * frame_stride;

	*out = (struct mb_header){
	        .magic = MB_MAGIC,
	        .version = MB_WIRE_VERSION,
	        .bytes = mattes + MB_ALIGN + (uint64_t)MB_SLOTS * matte_stride,
	        .width = width,
	        .height = height,
	        .slots = MB_SLOTS,
	        .frame_stride = frame_stride,
	        .matte_stride = matte_stride,
	        .frames = frames,
	        .mattes = mattes,
	};
	return 0;
}

int mb_layout_check(const struct mb_header *header, uint64_t file_bytes, const char **why)
{
	struct mb_header right;

	/* There is one layout for a size: what is not equal to it is wrong, and no range need be reasoned about. */
	if (header->magic != MB_MAGIC)
		*why = "the memory does not begin with the channel's magic number";
	else if (header->version != MB_WIRE_VERSION)
		*why = "the memory is of another wire version";
	else if (mb_layout(header->width, header->height, &right) != 0)
		*why = "the memory's width or height is no multiple of 16 in 16..1024";
	else if (header->slots != right.slots)
		*why = "the memory has another number of slots";
	else if (header->frame_stride != right.frame_stride || header->matte_stride != right.matte_stride)
		*why = "the memory's slots have another size than its width and height ask for";
	else if (header->frames != right.frames || header->mattes != right.mattes)
		*why = "the memory's rings lie elsewhere than its width and height ask for";
	else if (header->reserved != 0)
		*why = "a reserved field of the memory's header is not 0";
	else if (header->bytes != right.bytes)
		*why = "the memory's header gives another size than its width and height ask for";
	else if (file_bytes != right.bytes)
		*why = "the memory is shorter or longer than its header says";
	else
		return 0;
	return -EPROTO;
}
