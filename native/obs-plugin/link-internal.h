/* native/obs-plugin/link-internal.h - a link's inside: who owns what. link.c holds what the filter calls, link-thread.c
 * the thread, link-session.c what one link does on it, link-messages.c the texts, link-status.c the page. */
#ifndef MB_LINK_INTERNAL_H
#define MB_LINK_INTERNAL_H

#include <pthread.h>
#include <util/dstr.h>

#include "link.h"

struct mb_link_thread;

/* The names in `hello` and `renamed`. */
struct mb_names {
	char *source;
	char *filter;
	bool private_source;
};

/* One reset, on its way to the sidecar. */
struct mb_reset_note {
	struct mb_reset_note *next;
	uint32_t epoch;
	enum mb_reset_reason reason;
	char *from;
	char *to;
};

/* What the page says of the connection. */
enum mb_phase {
	MB_PHASE_ABSENT,    /* nobody listens */
	MB_PHASE_UNUSABLE,  /* the socket cannot be used: `trouble` says why */
	MB_PHASE_HANDSHAKE, /* waits for an answer */
	MB_PHASE_SILENT,    /* none came in time */
	MB_PHASE_REFUSED,
	MB_PHASE_BREACH, /* it broke the protocol */
	MB_PHASE_CONNECTED,
};

/* A sentence and its mend, as the sidecar says them. */
struct mb_said {
	char message[512];
	char mend[512];
};

struct mb_status {
	enum mb_phase phase;
	int trouble; /* a positive errno */
	char sidecar[64];
	struct mb_said refused;
	struct mb_said error; /* the engine's; empty: none */
	char provider[64];
	char device[128];
	char model[128];
	double inference_ms;
	uint64_t resets[MB_RESET_REASONS]; /* the sidecar's own */
};

struct mb_link {
	/* Fixed from creation on. */
	struct mb_link_listener listener;
	char filter_id[17];
	struct mb_link_thread *thread; /* outlives its links */

	/* The thread's list, under its mutex. */
	struct mb_link *next;

	/* Held by L while it serves the link, the listener's calls included, and by U to end that. G never takes it. */
	pthread_mutex_t work;
	bool closed;
	long refs; /* atomic: the list's and L's while it serves */

	/* Mailboxes: the writer swaps a copy in and frees what lay there; L swaps NULL in and owns what it takes.
	 * `resets` is a stack, newest first. */
	_Atomic(struct mb_settings *) settings_box;
	_Atomic(struct mb_names *) names_box;
	_Atomic(char *) scene_box;
	_Atomic(struct mb_reset_note *) resets_box;
	_Atomic uint64_t wanted_size; /* width << 32 | height; 0: none yet */
	_Atomic bool wants_work;

	/* G tries it, L and U hold it to copy. */
	pthread_mutex_t stats_mutex;
	struct mb_filter_stats stats;
	bool has_stats;

	/* L writes it, U reads it. */
	pthread_mutex_t status_mutex;
	struct mb_status status;

	/* Between mb_link_try and mb_link_leave G's; L holds it to swap. Rings are used by G only, the socket by both:
	 * G rings the doorbell, L does the rest, and L alone closes, after it has taken the socket away here. */
	pthread_mutex_t lock;
	struct {
		int socket; /* -1: not connected */
		bool engine_error;
		bool broken;      /* G found a breach: L lets go */
		bool old_retired; /* G has seen the first matte of the current memory: L closes the old one */
		uint32_t connections;
		uint32_t memories;
		struct mb_memory current;
		struct mb_memory old;
		struct mb_memory *peeked; /* whose matte is being looked at */
	} hot;

	/* L's own. */
	struct mb_session {
		int socket; /* -1: none */
		bool welcomed;
		bool ever_welcomed;
		unsigned failures;        /* attempts since the last sound connection */
		uint64_t due_ns;          /* when to connect, or when the handshake must be over */
		uint64_t welcomed_ns;     /* since when connected */
		uint64_t bye_ns;          /* of the last bye that was followed at once */
		uint64_t stats_due_ns;    /* when to send the next stats */
		uint64_t send_again_ns;   /* the peer does not read: not before; 0: it does */
		uint64_t old_until_ns;    /* the old memory serves until then; 0: there is none */
		struct mb_memory offered; /* sent with hello or memory, not yet in use */
		struct mb_settings settings;
		struct mb_names names;
		char *scene;
		bool has_settings;
		bool has_names;
		bool settings_dirty;
		bool names_dirty;
		bool scene_dirty;
		struct mb_reset_note *resets; /* oldest first */
		unsigned log_lines;           /* left to write */
		uint64_t log_refill_ns;
		enum mb_phase logged;
		bool has_logged;
	} session;
};

/* --- link-thread.c ------------------------------------------------------------------------------------------------ */

/* U. Adds to the running thread, or starts one. */
void mb_link_thread_add(struct mb_link *link);
/* U. After it L does not touch the link; joins the thread with its last link. */
void mb_link_thread_remove(struct mb_link *link);
/* Any thread: L looks at its links soon. Never waits. */
void mb_link_thread_wake(struct mb_link_thread *thread);

/* --- link-session.c: L, under `work` ------------------------------------------------------------------------------ */

void mb_session_init(struct mb_link *link);
/* Does all that can be done now. Returns when it wants to be called again at the latest (ns); `message` is scratch. */
uint64_t mb_session_serve(struct mb_link *link, uint64_t now_ns, struct mb_message *message);
/* Lets go of everything; L or, once L has ended with it, U. */
void mb_session_free(struct mb_link *link);

/* --- link-messages.c: bodies; the caller frees with bfree --------------------------------------------------------- */

char *mb_message_hello(const struct mb_link *link);
char *mb_message_memory(const struct mb_memory *memory);
char *mb_message_renamed(const struct mb_names *names);
char *mb_message_scene(const char *scene);
char *mb_message_reset(const struct mb_reset_note *note);
char *mb_message_stats(const struct mb_filter_stats *stats);
void mb_names_free(struct mb_names *names);
void mb_reset_note_free(struct mb_reset_note *note);

/* The words of the wire; index is the enum's value. */
extern const char *const mb_reset_words[MB_RESET_REASONS];

#endif
