/* native/channel/memory.c - one mapped memory, made by the filter or taken over by the sidecar. */
#include <string.h>

#include "channel.h"
#include "platform.h"

int mb_memory_create(struct mb_memory *memory, uint32_t width, uint32_t height)
{
	struct mb_memory made = MB_MEMORY_NONE;
	const char *why = "";

	*memory = MB_MEMORY_NONE;
	int result = mb_layout(width, height, &made.header);
	if (result != 0)
		return result;
	made.fd = mb_platform_memory_create((size_t)made.header.bytes);
	if (made.fd < 0)
		return made.fd;
	result = mb_platform_memory_map(made.fd, (size_t)made.header.bytes, &made.base, &why);
	if (result != 0) {
		mb_platform_close(made.fd);
		return result;
	}
	/* Touches the ring of frames once, here: its pages are the kernel's to find now, not on the graphics thread. */
	memset(made.base, 0, (size_t)made.header.mattes + MB_ALIGN);
	memcpy(made.base, &made.header, sizeof(made.header));
	*memory = made;
	return 0;
}

int mb_memory_adopt(struct mb_memory *memory, int fd, const char **why)
{
	struct mb_memory taken = MB_MEMORY_NONE;
	uint64_t file_bytes = 0;

	*memory = MB_MEMORY_NONE;
	*why = "the operating system refused the memory";
	taken.fd = fd;
	int result = mb_platform_memory_inspect(fd, &taken.header, &file_bytes, why);
	if (result == 0)
		result = mb_layout_check(&taken.header, file_bytes, why);
	if (result == 0)
		result = mb_platform_memory_map(fd, (size_t)taken.header.bytes, &taken.base, why);
	if (result != 0) {
		mb_platform_close(fd);
		return result;
	}
	*memory = taken;
	return 0;
}

void mb_memory_close(struct mb_memory *memory)
{
	if (memory->base)
		mb_platform_memory_unmap(memory->base, (size_t)memory->header.bytes);
	if (memory->fd >= 0)
		mb_platform_close(memory->fd);
	*memory = MB_MEMORY_NONE;
}
