/* native/channel/channel.h - the shared-memory channel between OBS's filter and the sidecar; knows neither.
 *
 * Functions return 0 or a count on success, a negative errno value on failure, and never print, block or allocate
 * unless they say so. A struct belongs to one thread at a time; the two sides are in two processes. What a peer writes
 * is copied once, checked in the copy, and used from the copy: -EPROTO  the peer broke a rule of wire.h: let go of it
 *   -EPIPE   the peer is gone */
#ifndef MB_CHANNEL_H
#define MB_CHANNEL_H

#include <stdbool.h>
#include <sys/types.h>

#include "wire.h"

/* --- memory (layout.c, memory.c) ------------------------------------------------------------------------------- */

/* What a header must say for a low resolution.
 * Returns -EINVAL where a side is no multiple of 16 in 16..1024. */
int mb_layout(uint32_t width, uint32_t height, struct mb_header *out);

/* Checks a private copy of a header against the size of its file.
 * Returns 0, or -EPROTO with the fault in `*why` (a string constant). */
int mb_layout_check(const struct mb_header *header, uint64_t file_bytes, const char **why);

/* One mapped memory, seen from one side. */
struct mb_memory {
	int fd; /* -1: none */
	unsigned char *base;
	struct mb_header header; /* private copy */
	uint32_t frame_index;    /* our own index into the frames: head (filter) or tail (sidecar) */
	uint32_t matte_index;    /* our own index into the mattes: tail (filter) or head (sidecar) */
};

/* For one that holds nothing yet: closing it does nothing. */
#define MB_MEMORY_NONE ((struct mb_memory){.fd = -1})

/* Filter: makes and maps sealed memory. Allocates; any thread. */
int mb_memory_create(struct mb_memory *memory, uint32_t width, uint32_t height);

/* Sidecar: checks seals, reads the header with pread, checks it, maps. Takes `fd` over in every case (closes it on
 * failure). Returns -EPROTO with the fault in `*why`, or another errno. */
int mb_memory_adopt(struct mb_memory *memory, int fd, const char **why);

void mb_memory_close(struct mb_memory *memory);

/* --- rings (ring.c) --------------------------------------------------------------------------------------------- */

/* Filter: the pixels of the next slot to write (header.width * header.height * 4 bytes, tightly packed), NULL if the
 * ring is full (drop the frame) or its indexes are broken. */
unsigned char *mb_frame_begin(struct mb_memory *memory);
/* Publishes the slot. */
void mb_frame_commit(struct mb_memory *memory, const struct mb_frame *frame);

/* Sidecar: copies and checks the oldest frame; its pixels stay in the slot until mb_frame_pop.
 * Returns 1, 0 if there is none, -EPROTO. */
int mb_frame_peek(struct mb_memory *memory, struct mb_frame *frame, const unsigned char **pixels);
void mb_frame_pop(struct mb_memory *memory);
/* How many frames wait: 0..MB_SLOTS, or -EPROTO. */
int mb_frames_waiting(const struct mb_memory *memory);

/* Sidecar: the coefficients of the next slot to write, NULL if the ring is full or broken. */
unsigned char *mb_matte_begin(struct mb_memory *memory);
void mb_matte_commit(struct mb_memory *memory, const struct mb_matte *matte);
/* Sidecar: how many of its mattes the filter has not read yet: 0..MB_SLOTS, or -EPROTO: tells a full ring from a broken
 * one. */
int mb_mattes_unread(const struct mb_memory *memory);

/* Filter: copies and checks the oldest matte (planes, size, reason); its coefficients stay until mb_matte_pop.
 * Returns 1, 0 if there is none, -EPROTO. */
int mb_matte_peek(struct mb_memory *memory, struct mb_matte *matte, const unsigned char **coefficients);
void mb_matte_pop(struct mb_memory *memory);
int mb_mattes_waiting(const struct mb_memory *memory);

/* Bytes of a matte's coefficients. */
size_t mb_matte_bytes(const struct mb_memory *memory, uint32_t planes);

/* --- half.c ----------------------------------------------------------------------------------------------------- */

/* Planar float32 [planes, height, width], as the network answers them, to the texels of struct mb_matte in `out`,
 * rounded to nearest even; finite values beyond fp16 become its largest. Returns -EDOM, with `out` undefined, where a
 * value is NaN or infinite. */
int mb_matte_encode(const float *planes, uint32_t count, uint32_t width, uint32_t height, unsigned char *out);

/* --- socket (platform_linux.c) ------------------------------------------------------------------------------------ */

/* Where the sidecar listens: MATTEBOX_SOCKET, else $HOME/.local/state/mattebox/channel.sock.
 * Returns its length, -ENOENT without HOME, -ENAMETOOLONG where a socket's address cannot hold it (over 107 bytes). */
int mb_socket_path(char *out, size_t capacity);

/* Sidecar: listens at `path`, whose folder is made (0700) where missing; a socket there is replaced atomically by
 * rename. Returns a non-blocking descriptor, or -ENAMETOOLONG, -EACCES, ... */
int mb_listen(const char *path);

/* Sidecar: takes the next connection. Returns a non-blocking descriptor, -EAGAIN where none waits, -EPERM where the
 * peer is another user's (and is closed). */
int mb_accept(int listener);

/* Filter: connects without blocking. Returns a non-blocking descriptor, -ENOENT or -ECONNREFUSED where nobody listens,
 * -EAGAIN where the sidecar's queue is full, -EPERM where the peer is another user's. */
int mb_connect(const char *path);

/* A message that was received. */
struct mb_message {
	uint8_t type;
	int fd;                        /* -1, or the descriptor that came along: the caller's to close */
	size_t length;                 /* of the body */
	char body[MB_MESSAGE_MAX + 1]; /* NUL-terminated */
};

/* Sends one message, whole or not at all, with a descriptor unless `fd` is -1. Never blocks, whatever the peer did to
 * the socket. Returns -EAGAIN where the peer does not read, -EMSGSIZE over MB_MESSAGE_MAX, -EPIPE. Any thread. */
int mb_send(int socket, uint8_t type, const char *body, size_t length, int fd);

/* mb_send of a doorbell; a full socket is no failure: the peer has bells enough to hear. */
int mb_ring_doorbell(int socket);

/* Takes the next message; never blocks. Descriptors beyond the first, or with a type other than `hello` and `memory`,
 * are closed and are a breach. Returns 1, 0 if there is none, -EPROTO, -EPIPE; -EMFILE where this process has no
 * descriptor free for the one that came along: the message is lost. */
int mb_receive(int socket, struct mb_message *out);

/* Waits until `socket` can be read or the time is over. Returns 1, 0, or a negative errno. Blocks. */
int mb_wait_readable(int socket, int timeout_ms);

/* CLOCK_MONOTONIC, ns: the same clock as libobs's os_gettime_ns. */
uint64_t mb_now_ns(void);

#endif
