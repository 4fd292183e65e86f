/* native/channel/platform_linux.c - memfd, sockets and the clock. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "channel.h"
#include "platform.h"

/* Older headers do not know them. */
#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

/* --- memory ------------------------------------------------------------------------------------------------------ */

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

void mb_platform_close(int fd)
{
	close(fd);
}

int mb_platform_memory_create(size_t bytes)
{
	/* Linux may be told to make no memory that could be executed; before 6.3 it does not know the word. */
	int fd = memfd_create("mattebox", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("mattebox", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)bytes) != 0 || fcntl(fd, F_ADD_SEALS, SEALS) != 0) {
		const int result = -errno;
		close(fd);
		return result;
	}
	return fd;
}

int mb_platform_memory_inspect(int fd, struct mb_header *copy, uint64_t *bytes, const char **why)
{
	struct stat file;
	struct statfs system;

	const int seals = fcntl(fd, F_GET_SEALS);
	if (seals < 0) {
		*why = "the descriptor is no shared memory";
		return -EPROTO;
	}
	if ((seals & SEALS) != SEALS) {
		*why = "the memory is not sealed against shrinking, growing and further seals";
		return -EPROTO;
	}
	if ((seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) != 0) {
		*why = "the memory is sealed against writing";
		return -EPROTO;
	}
	if (fstatfs(fd, &system) != 0 || fstat(fd, &file) != 0)
		return -errno;
	/* Huge pages can be sealed too, but a hole in them kills the reader where no huge page is left. */
	if (system.f_type != TMPFS_MAGIC) {
		*why = "the memory is not made of ordinary pages";
		return -EPROTO;
	}
	const ssize_t got = pread(fd, copy, sizeof(*copy), 0);
	if (got < 0 && errno != EBADF)
		return -errno;
	if (got != (ssize_t)sizeof(*copy)) {
		*why = "the memory is shorter than its header, or cannot be read";
		return -EPROTO;
	}
	*bytes = (uint64_t)file.st_size;
	return 0;
}

int mb_platform_memory_map(int fd, size_t bytes, unsigned char **base, const char **why)
{
	void *address = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (address == MAP_FAILED) {
		if (errno != EACCES && errno != EPERM)
			return -errno;
		*why = "the memory may not be written";
		return -EPROTO;
	}
	*base = address;
	return 0;
}

void mb_platform_memory_unmap(unsigned char *base, size_t bytes)
{
	munmap(base, bytes);
}

/* --- addresses --------------------------------------------------------------------------------------------------- */

#define PATH_CAPACITY sizeof(((struct sockaddr_un *)0)->sun_path)

int mb_socket_path(char *out, size_t capacity)
{
	const char *path = getenv("MATTEBOX_SOCKET");
	const char *suffix = "";

	if (!path || !*path) {
		path = getenv("HOME");
		suffix = "/.local/state/mattebox/channel.sock";
		if (!path || !*path)
			return -ENOENT;
	}
	const size_t length = strlen(path) + strlen(suffix);
	if (length >= PATH_CAPACITY || length >= capacity)
		return -ENAMETOOLONG;
	snprintf(out, capacity, "%s%s", path, suffix);
	return (int)length;
}

static int address_of(const char *path, struct sockaddr_un *address)
{
	const size_t length = strlen(path);

	if (length == 0)
		return -ENOENT;
	if (length >= PATH_CAPACITY)
		return -ENAMETOOLONG;
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(address->sun_path, path, length + 1);
	return 0;
}

/* The folder's mode keeps others out already; this holds where the path was chosen badly. */
static int check_user(int socket)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
		return -errno;
	return peer.uid == geteuid() ? 0 : -EPERM;
}

/* --- listening ---------------------------------------------------------------------------------------------------- */

/* More filters than anyone has; a peer that floods finds the queue full. */
#define BACKLOG 64

/* Opens the folder of `path`, made where missing; `*name` is what follows in it. */
static int open_folder(const char *path, const char **name)
{
	char folder[PATH_CAPACITY];

	memcpy(folder, path, strlen(path) + 1);
	char *slash = strrchr(folder, '/');
	*name = slash ? path + (slash - folder) + 1 : path;
	if (**name == '\0')
		return -EISDIR;
	if (!slash)
		strcpy(folder, ".");
	else if (slash == folder)
		strcpy(folder, "/");
	else
		*slash = '\0';

	/* What cannot be made is found out by opening. */
	for (char *end = folder + 1; *end; end++) {
		if (*end != '/')
			continue;
		*end = '\0';
		mkdir(folder, S_IRWXU);
		*end = '/';
	}
	const int made = mkdir(folder, S_IRWXU) == 0 || errno == EEXIST ? 0 : -errno;
	const int fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	return made != 0 ? made : -errno;
}

/* Binds a new socket to a name of its own in `folder`, already listening, then renames it to `name`. */
static int listen_in(int folder, const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	static _Atomic unsigned int count;
	char temporary[64];
	struct stat there;

	/* A rename would destroy it. */
	if (fstatat(folder, name, &there, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISSOCK(there.st_mode))
		return -EEXIST;

	const int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	snprintf(temporary, sizeof(temporary), ".mattebox-%d-%u", (int)getpid(), atomic_fetch_add(&count, 1));
	/* By way of the descriptor: the name beside may be longer than an address can hold. */
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", folder, temporary);
	unlinkat(folder, temporary, 0); /* left by a process of the same number that was killed here */

	int result = 0;
	/* The mode is that of the file: nobody else's process may even connect. */
	if (fchmod(fd, S_IRUSR | S_IWUSR) != 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
		result = -errno;
	} else if (listen(fd, BACKLOG) != 0 || renameat(folder, temporary, folder, name) != 0) {
		result = -errno;
		unlinkat(folder, temporary, 0);
	}
	if (result != 0) {
		close(fd);
		return result;
	}
	return fd;
}

int mb_listen(const char *path)
{
	struct sockaddr_un address;
	const char *name;

	int result = address_of(path, &address);
	if (result != 0)
		return result;
	const int folder = open_folder(path, &name);
	if (folder < 0)
		return folder;
	result = listen_in(folder, name);
	close(folder);
	return result;
}

int mb_accept(int listener)
{
	int fd;

	do
		fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
	if (fd < 0)
		return -errno;
	const int result = check_user(fd);
	if (result != 0) {
		close(fd);
		return result;
	}
	return fd;
}

int mb_connect(const char *path)
{
	struct sockaddr_un address;

	int result = address_of(path, &address);
	if (result != 0)
		return result;
	const int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
		result = -errno;
	else
		result = check_user(fd);
	if (result != 0) {
		close(fd);
		return result;
	}
	return fd;
}

/* --- messages ------------------------------------------------------------------------------------------------------
 */

/* The most that Linux sends along with one message. Room for all: what does not fit would be closed by the kernel, but
 * a count that needs no trust in that is simpler to test. */
#define DESCRIPTORS_MAX 253

/* Never relies on O_NONBLOCK: it belongs to the open file, and whoever shares that can clear it. */
#define SEND_FLAGS (MSG_DONTWAIT | MSG_NOSIGNAL)
#define RECEIVE_FLAGS (MSG_DONTWAIT | MSG_CMSG_CLOEXEC)

int mb_send(int socket, uint8_t type, const char *body, size_t length, int fd)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec parts[2] = {{&type, sizeof(type)}, {(void *)(uintptr_t)body, length}};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = length > 0 ? 2 : 1};

	if (length > MB_MESSAGE_MAX)
		return -EMSGSIZE;
	if (fd >= 0) {
		message.msg_control = control.bytes;
		message.msg_controllen = sizeof(control.bytes);
		struct cmsghdr *header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	}

	ssize_t sent;
	do
		sent = sendmsg(socket, &message, SEND_FLAGS);
	while (sent < 0 && errno == EINTR);
	if (sent >= 0)
		return 0;
	switch (errno) {
	case ECONNRESET:
	case ENOTCONN:
		return -EPIPE;
	case ETOOMANYREFS: /* descriptors in flight that the peer has not taken */
	case ENOBUFS:
		return -EAGAIN;
	default:
		return -errno;
	}
}

int mb_ring_doorbell(int socket)
{
	const int result = mb_send(socket, MB_DOORBELL, NULL, 0, -1);
	return result == -EAGAIN ? 0 : result;
}

/* Takes the descriptors out of a message's control data: the first into `*first`, the others are closed.
 * Returns how many there were. */
static size_t take_descriptors(struct msghdr *message, int *first)
{
	size_t count = 0;

	for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header; header = CMSG_NXTHDR(message, header)) {
		if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
			continue;
		const size_t here = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < here; i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(header) + i * sizeof(fd), sizeof(fd));
			if (count++ == 0)
				*first = fd;
			else
				close(fd);
		}
	}
	return count;
}

static bool may_carry_descriptor(uint8_t type)
{
	return type == MB_HELLO || type == MB_MEMORY;
}

int mb_receive(int socket, struct mb_message *out)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int) * DESCRIPTORS_MAX)];
	} control;
	struct iovec parts[2] = {{&out->type, sizeof(out->type)}, {out->body, MB_MESSAGE_MAX}};
	struct msghdr message;
	ssize_t got;

	out->fd = -1;
	out->length = 0;
	/* A peer that hung up without having read all makes one call fail; what it said before is still to be read. */
	do {
		message = (struct msghdr){.msg_iov = parts,
		        .msg_iovlen = 2,
		        .msg_control = control.bytes,
		        .msg_controllen = sizeof(control.bytes)};
		got = recvmsg(socket, &message, RECEIVE_FLAGS);
	} while (got < 0 && (errno == EINTR || errno == ECONNRESET));
	if (got < 0) {
		if (errno == EAGAIN || errno == EWOULDBLOCK)
			return 0;
		return errno == ENOTCONN ? -EPIPE : -errno;
	}

	const size_t descriptors = take_descriptors(&message, &out->fd);
	if (got == 0 && descriptors == 0)
		return -EPIPE;
	const size_t length = got == 0 ? 0 : (size_t)got - sizeof(out->type);
	out->body[length] = '\0';
	out->length = length;

	const bool whole = got > 0 && (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0;
	const bool descriptors_fit = descriptors == 0 || (descriptors == 1 && whole && may_carry_descriptor(out->type));
	const bool body_fits =
	        whole && (out->type == MB_DOORBELL ? length == 0 : memchr(out->body, '\0', length) == NULL);
	if (descriptors_fit && body_fits)
		return 1;
	if (out->fd >= 0)
		close(out->fd);
	out->fd = -1;
	/* There was room for all that can be sent: it is this process that can hold no more. */
	return descriptors == 0 && (message.msg_flags & MSG_CTRUNC) != 0 ? -EMFILE : -EPROTO;
}

int mb_wait_readable(int socket, int timeout_ms)
{
	const uint64_t end_ns = mb_now_ns() + (uint64_t)(timeout_ms > 0 ? timeout_ms : 0) * 1000000u;
	struct pollfd waiting = {.fd = socket, .events = POLLIN};

	for (;;) {
		const int ready = poll(&waiting, 1, timeout_ms);
		if (ready > 0)
			return waiting.revents & POLLNVAL ? -EBADF : 1;
		if (ready == 0)
			return 0;
		if (errno != EINTR)
			return -errno;
		/* A signal must not make the wait longer. */
		const uint64_t now_ns = mb_now_ns();
		if (timeout_ms > 0)
			timeout_ms = now_ns < end_ns ? (int)((end_ns - now_ns) / 1000000u) : 0;
	}
}

/* --- clock ---------------------------------------------------------------------------------------------------------
 */

uint64_t mb_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
