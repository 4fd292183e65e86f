/* The peer sends anything, with any number of descriptors, and hangs up: each message is whole and within its bounds or
 * refused, no descriptor is kept, nothing blocks. */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "channel.h"
#include "fuzz_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { messages_max = 16, descriptors_max = 253 };

static char bytes[1 + MB_MESSAGE_MAX + 16];

/* Mostly as long as the input says; sometimes about as long as a message may be. */
static size_t make_bytes(struct fuzz_input *input)
{
	const uint8_t kind = fuzz_byte(input);
	const size_t length = kind < 0xf8 ? kind : sizeof(bytes) - (kind & 7) * 4;
	const size_t told = length < 256 ? length : 16;

	memset(bytes, 'x', length);
	fuzz_bytes(input, bytes, told);
	return length;
}

static int descriptor_count(struct fuzz_input *input)
{
	const uint8_t kind = fuzz_byte(input);
	return kind < 0x80 ? 0 : kind < 0xc0 ? 1 : kind < 0xfe ? kind & 7 : descriptors_max;
}

static void send_raw(int socket, size_t length, int descriptors)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int) * descriptors_max)];
	} control = {0};
	struct iovec part = {bytes, length};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

	if (descriptors > 0) {
		message.msg_control = control.bytes;
		message.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)descriptors);
		struct cmsghdr *header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)descriptors);
		for (int i = 0; i < descriptors; i++)
			memcpy(CMSG_DATA(header) + (size_t)i * sizeof(int), &socket, sizeof(int));
	}
	/* A full queue drops it. */
	(void)!sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static int receive(int socket)
{
	static struct mb_message message;
	const int result = mb_receive(socket, &message);

	MUST(result == 1 || result == 0 || result == -EPROTO || result == -EPIPE);
	if (result != 1) {
		MUST(message.fd == -1);
		return result;
	}
	MUST(message.length <= MB_MESSAGE_MAX && message.body[message.length] == '\0');
	MUST(strlen(message.body) == message.length);
	if (message.fd >= 0) {
		MUST(message.type == MB_HELLO || message.type == MB_MEMORY);
		MUST(fcntl(message.fd, F_GETFD) & FD_CLOEXEC);
		close(message.fd);
	}
	return 1;
}

static int lowest_free_descriptor(void)
{
	const int fd = dup(STDERR_FILENO);
	close(fd);
	return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	const int lowest = lowest_free_descriptor();
	int fds[2];

	/* Blocking, as a hostile peer would have it. */
	MUST(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) == 0);
	for (int i = 0; i < messages_max && input.left > 0; i++) {
		const uint8_t kind = fuzz_byte(&input);
		const int descriptors = descriptor_count(&input);

		send_raw(fds[1], make_bytes(&input), descriptors);
		if (kind & 1)
			receive(fds[0]);
		if (kind & 2)
			MUST(mb_ring_doorbell(fds[0]) == 0);
	}
	const bool hangs_up = size & 1;
	if (hangs_up)
		close(fds[1]);
	for (int i = 0; i <= messages_max && receive(fds[0]) != 0; i++)
		;
	MUST(receive(fds[0]) == (hangs_up ? -EPIPE : 0));
	close(fds[0]);
	if (!hangs_up)
		close(fds[1]);
	MUST(lowest_free_descriptor() == lowest);
	return 0;
}
