/* Red when MSG_DONTWAIT is left out of either call, when a second descriptor is kept, when truncation is not looked at,
 * or when a connection that was reset is taken for one that has nothing more to say. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "channel.h"
#include "expect.h"
#include "footprint.h"

struct pair {
	int ours;
	int theirs;
};

static struct pair open_pair(void)
{
	int fds[2];

	EXPECT_EQUAL(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
	return (struct pair){fds[0], fds[1]};
}

static void close_pair(struct pair pair)
{
	close(pair.ours);
	close(pair.theirs);
}

/* Sends what no mb_send would. */
static void send_raw(int socket, const void *bytes, size_t length, int descriptors)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int) * 253)];
	} control = {0};
	struct iovec part = {(void *)(uintptr_t)bytes, length};
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
	EXPECT_EQUAL(sendmsg(socket, &message, MSG_NOSIGNAL), length);
}

static struct mb_message message; /* too large for a stack */

static void carries_messages(void)
{
	static const size_t lengths[] = {0, 1, 2, 1000, 16384, MB_MESSAGE_MAX};
	struct pair pair = open_pair();
	char *body = malloc(MB_MESSAGE_MAX + 1);

	memset(body, 'x', MB_MESSAGE_MAX + 1);
	EXPECT_EQUAL(mb_receive(pair.ours, &message), 0);
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		EXPECT_EQUAL(mb_send(pair.theirs, MB_SETTINGS, body, lengths[i], -1), 0);
		EXPECT_EQUAL(mb_send(pair.theirs, MB_BYE, "{}", 2, -1), 0);
		EXPECT_EQUAL(mb_receive(pair.ours, &message), 1);
		EXPECT_EQUAL(message.type, MB_SETTINGS);
		EXPECT_EQUAL(message.fd, -1);
		EXPECT_EQUAL(message.length, lengths[i]);
		EXPECT_EQUAL(strlen(message.body), lengths[i]);
		EXPECT_EQUAL(memcmp(message.body, body, lengths[i]), 0);
		EXPECT_EQUAL(mb_receive(pair.ours, &message), 1);
		EXPECT_EQUAL(message.type, MB_BYE);
		EXPECT_EQUAL(strcmp(message.body, "{}"), 0);
	}
	EXPECT_EQUAL(mb_send(pair.theirs, MB_SETTINGS, body, MB_MESSAGE_MAX + 1, -1), -EMSGSIZE);
	EXPECT_EQUAL(mb_receive(pair.ours, &message), 0);
	EXPECT_EQUAL(mb_ring_doorbell(pair.theirs), 0);
	EXPECT_EQUAL(mb_receive(pair.ours, &message), 1);
	EXPECT_EQUAL(message.type, MB_DOORBELL);
	EXPECT_EQUAL(message.length, 0);
	free(body);
	close_pair(pair);
}

static void carries_a_descriptor(void)
{
	static const uint8_t types[] = {MB_HELLO, MB_MEMORY};
	const struct footprint before = footprint_now();
	struct pair pair = open_pair();
	struct stat sent;
	struct stat received;

	for (size_t i = 0; i < 2; i++) {
		const int fd = open("/dev/null", O_RDWR);
		EXPECT_EQUAL(mb_send(pair.theirs, types[i], "{}", 2, fd), 0);
		EXPECT_EQUAL(fstat(fd, &sent), 0);
		close(fd);
		EXPECT_EQUAL(mb_receive(pair.ours, &message), 1);
		EXPECT_EQUAL(message.type, types[i]);
		EXPECT(fcntl(message.fd, F_GETFD) & FD_CLOEXEC);
		EXPECT_EQUAL(fstat(message.fd, &received), 0);
		EXPECT_EQUAL(received.st_rdev, sent.st_rdev);
		close(message.fd);
	}
	close_pair(pair);
	expect_footprint(before);
}

static void refuses_descriptors_elsewhere(void)
{
	const struct footprint before = footprint_now();
	struct pair pair = open_pair();

	for (int type = 0; type < 256; type++) {
		const char bytes[] = {(char)type};
		send_raw(pair.theirs, bytes, 1, 1);
		const bool may = type == MB_HELLO || type == MB_MEMORY;
		EXPECT_EQUAL(mb_receive(pair.ours, &message), may ? 1 : -EPROTO);
		EXPECT_EQUAL(message.fd >= 0, may);
		if (may)
			close(message.fd);
	}
	close_pair(pair);
	expect_footprint(before);
}

static void refuses_several_descriptors(void)
{
	static const int counts[] = {2, 3, 4, 17, 253};
	const struct footprint before = footprint_now();
	struct pair pair = open_pair();

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		const char bytes[] = {MB_HELLO, '{', '}'};
		send_raw(pair.theirs, bytes, sizeof(bytes), counts[i]);
		EXPECT_EQUAL(mb_receive(pair.ours, &message), -EPROTO);
		EXPECT_EQUAL(message.fd, -1);
	}
	/* Nothing but descriptors; the kernel sends no such message in this kind of socket, or sends an end of it. */
	send_raw(pair.theirs, "", 0, 2);
	const int result = mb_receive(pair.ours, &message);
	EXPECT(result == -EPROTO || result == -EPIPE);
	close_pair(pair);
	expect_footprint(before);
}

static void closes_what_fits_when_it_has_no_room(void)
{
	const struct footprint before = footprint_now();
	struct pair pair = open_pair();
	const char bytes[] = {MB_HELLO, '{', '}'};
	struct rlimit limit;

	send_raw(pair.theirs, bytes, sizeof(bytes), 5);
	EXPECT_EQUAL(getrlimit(RLIMIT_NOFILE, &limit), 0);
	const int next = dup(0);
	close(next);
	/* Two more, then the kernel truncates. */
	const struct rlimit low = {.rlim_cur = (rlim_t)next + 2, .rlim_max = limit.rlim_max};
	EXPECT_EQUAL(setrlimit(RLIMIT_NOFILE, &low), 0);
	EXPECT_EQUAL(mb_receive(pair.ours, &message), -EPROTO);
	EXPECT_EQUAL(setrlimit(RLIMIT_NOFILE, &limit), 0);
	EXPECT_EQUAL(message.fd, -1);

	/* None at all: even a right hello lost what it carried. */
	send_raw(pair.theirs, bytes, sizeof(bytes), 1);
	const struct rlimit none = {.rlim_cur = (rlim_t)next, .rlim_max = limit.rlim_max};
	EXPECT_EQUAL(setrlimit(RLIMIT_NOFILE, &none), 0);
	/* The peer did nothing wrong. */
	EXPECT_EQUAL(mb_receive(pair.ours, &message), -EMFILE);
	EXPECT_EQUAL(setrlimit(RLIMIT_NOFILE, &limit), 0);
	close_pair(pair);
	expect_footprint(before);
}

static void refuses_garbage(void)
{
	struct pair pair = open_pair();
	char *bytes = malloc(MB_MESSAGE_MAX + 3);
	unsigned int random = 99;

	/* Longer than a message may be, */
	memset(bytes, 'x', MB_MESSAGE_MAX + 3);
	bytes[0] = MB_SETTINGS;
	for (size_t over = 1; over <= 2; over++) {
		send_raw(pair.theirs, bytes, 1 + MB_MESSAGE_MAX + over, 0);
		EXPECT_EQUAL(mb_receive(pair.ours, &message), -EPROTO);
	}
	/* with a NUL, where the text would seem to end, */
	bytes[10] = '\0';
	send_raw(pair.theirs, bytes, 20, 0);
	EXPECT_EQUAL(mb_receive(pair.ours, &message), -EPROTO);
	send_raw(pair.theirs, bytes, 11, 0);
	EXPECT_EQUAL(mb_receive(pair.ours, &message), -EPROTO);
	/* a doorbell that says something, */
	bytes[0] = MB_DOORBELL;
	send_raw(pair.theirs, bytes, 2, 0);
	EXPECT_EQUAL(mb_receive(pair.ours, &message), -EPROTO);
	/* and anything. */
	for (int i = 0; i < 20000; i++) {
		const size_t length = 1 + next_random(&random) % 300;
		for (size_t at = 0; at < length; at++)
			bytes[at] = (char)next_random(&random);
		send_raw(pair.theirs, bytes, length, 0);
		const int result = mb_receive(pair.ours, &message);
		EXPECT(result == 1 || result == -EPROTO);
		if (result == 1) {
			EXPECT_EQUAL(message.type, (uint8_t)bytes[0]);
			EXPECT_EQUAL(strlen(message.body), length - 1);
		}
	}
	free(bytes);
	close_pair(pair);
}

static void notices_a_peer_that_hung_up(void)
{
	struct pair pair = open_pair();

	EXPECT_EQUAL(mb_send(pair.theirs, MB_REFUSED, "{}", 2, -1), 0);
	/* Unread, so that the hanging up resets the connection. */
	EXPECT_EQUAL(mb_ring_doorbell(pair.ours), 0);
	close(pair.theirs);
	/* What it said before is still heard, whatever we tried in between. */
	EXPECT_EQUAL(mb_receive(pair.ours, &message), 1);
	EXPECT_EQUAL(message.type, MB_REFUSED);
	EXPECT_EQUAL(mb_receive(pair.ours, &message), -EPIPE);
	EXPECT_EQUAL(mb_receive(pair.ours, &message), -EPIPE);
	EXPECT_EQUAL(mb_send(pair.ours, MB_HELLO, "{}", 2, -1), -EPIPE);
	EXPECT_EQUAL(mb_ring_doorbell(pair.ours), -EPIPE);
	EXPECT_EQUAL(mb_wait_readable(pair.ours, 1000), 1);
	close(pair.ours);
	EXPECT_EQUAL(mb_wait_readable(pair.ours, 1000), -EBADF);

	/* Reset, and we send first. */
	pair = open_pair();
	EXPECT_EQUAL(mb_ring_doorbell(pair.ours), 0);
	close(pair.theirs);
	EXPECT_EQUAL(mb_send(pair.ours, MB_HELLO, "{}", 2, -1), -EPIPE);
	EXPECT_EQUAL(mb_receive(pair.ours, &message), -EPIPE);
	close(pair.ours);

	/* An empty message is no message. */
	pair = open_pair();
	send_raw(pair.theirs, "", 0, 0);
	EXPECT_EQUAL(mb_receive(pair.ours, &message), -EPIPE);
	close_pair(pair);
}

/* As a peer that got the descriptor can. */
static void clear_nonblock(void *with)
{
	const struct pair *pair = with;

	EXPECT_EQUAL(fcntl(pair->ours, F_SETFL, fcntl(pair->ours, F_GETFL) & ~O_NONBLOCK), 0);
	EXPECT_EQUAL(fcntl(pair->theirs, F_SETFL, fcntl(pair->theirs, F_GETFL) & ~O_NONBLOCK), 0);
}

static void never_blocks_on_a_socket_that_is_not_read(void)
{
	for (int blocking = 0; blocking < 2; blocking++) {
		struct pair pair = open_pair();
		int sent = 0;

		if (blocking) {
			expect_child(start_child(clear_nonblock, &pair));
			EXPECT_EQUAL(fcntl(pair.ours, F_GETFL) & O_NONBLOCK, 0);
		}
		EXPECT_EQUAL(mb_receive(pair.ours, &message), 0);
		const uint64_t begin_ns = mb_now_ns();
		while (mb_send(pair.ours, MB_STATS, "{}", 2, -1) == 0)
			EXPECT(++sent < 1000000);
		EXPECT(sent > 10);
		EXPECT_EQUAL(mb_send(pair.ours, MB_STATS, "{}", 2, -1), -EAGAIN);
		/* A peer that sleeps on its bells is told no more, and that is no failure. */
		for (int i = 0; i < 1000; i++)
			EXPECT_EQUAL(mb_ring_doorbell(pair.ours), 0);
		EXPECT(mb_now_ns() - begin_ns < 20000000000u);

		/* Whole or not at all, in order, once it is read. */
		for (int i = 0; i < sent; i++) {
			EXPECT_EQUAL(mb_receive(pair.theirs, &message), 1);
			EXPECT_EQUAL(message.type, MB_STATS);
		}
		EXPECT_EQUAL(mb_receive(pair.theirs, &message), 0);
		EXPECT_EQUAL(mb_send(pair.ours, MB_STATS, "{}", 2, -1), 0);
		close_pair(pair);
	}
}

static void keeps_no_descriptors_of_a_socket_that_is_not_read(void)
{
	const struct footprint before = footprint_now();
	struct pair pair = open_pair();
	int sent = 0;

	while (mb_send(pair.ours, MB_MEMORY, "{}", 2, pair.theirs) == 0)
		EXPECT(++sent < 1000000);
	EXPECT_EQUAL(mb_send(pair.ours, MB_MEMORY, "{}", 2, pair.theirs), -EAGAIN);
	close_pair(pair);
	expect_footprint(before);
}

static void ignore(int number)
{
	(void)number;
}

static void waits_as_long_as_it_is_told(void)
{
	struct pair pair = open_pair();

	uint64_t begin_ns = mb_now_ns();
	EXPECT_EQUAL(mb_wait_readable(pair.ours, 50), 0);
	EXPECT(mb_now_ns() - begin_ns >= 49000000u);
	EXPECT_EQUAL(mb_wait_readable(pair.ours, 0), 0);
	EXPECT_EQUAL(mb_ring_doorbell(pair.theirs), 0);
	EXPECT_EQUAL(mb_wait_readable(pair.ours, 0), 1);
	EXPECT_EQUAL(mb_wait_readable(pair.ours, -1), 1);
	EXPECT_EQUAL(mb_receive(pair.ours, &message), 1);

	/* Signals make it neither shorter nor longer. */
	const struct sigaction action = {.sa_handler = ignore};
	const struct itimerval every = {{0, 10000}, {0, 10000}};
	const struct itimerval never = {{0, 0}, {0, 0}};
	EXPECT_EQUAL(sigaction(SIGALRM, &action, NULL), 0);
	EXPECT_EQUAL(setitimer(ITIMER_REAL, &every, NULL), 0);
	begin_ns = mb_now_ns();
	EXPECT_EQUAL(mb_wait_readable(pair.ours, 100), 0);
	const uint64_t took_ns = mb_now_ns() - begin_ns;
	EXPECT_EQUAL(setitimer(ITIMER_REAL, &never, NULL), 0);
	EXPECT(took_ns >= 80000000u && took_ns < 5000000000u);
	close_pair(pair);
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
	        {"carries messages of up to MB_MESSAGE_MAX bytes whole and in order", carries_messages},
	        {"carries a descriptor with hello and memory, closed on exec", carries_a_descriptor},
	        {"refuses and closes a descriptor that came with any other type", refuses_descriptors_elsewhere},
	        {"refuses and closes several descriptors in one message", refuses_several_descriptors},
	        {"closes what arrived when it has no room for all descriptors", closes_what_fits_when_it_has_no_room},
	        {"refuses what is too long, holds a NUL, or rings with words; survives the rest", refuses_garbage},
	        {"hears what a peer said before it hung up, then notices", notices_a_peer_that_hung_up},
	        {"never blocks on a socket that is not read, not even one that was made blocking",
	                never_blocks_on_a_socket_that_is_not_read},
	        {"keeps nothing of descriptors that nobody took", keeps_no_descriptors_of_a_socket_that_is_not_read},
	        {"waits as long as it is told", waits_as_long_as_it_is_told},
	};
	return RUN_CASES(argc, argv, cases);
}
