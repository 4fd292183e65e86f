/* test/native/channel/peers.h - a filter and a sidecar in miniature, each of which can be told to die at a step. */
#ifndef MB_TEST_PEERS_H
#define MB_TEST_PEERS_H

enum filter_step {
	FILTER_STARTED = 1,
	FILTER_CONNECTED,
	FILTER_MADE_MEMORY,
	FILTER_SAID_HELLO,
	FILTER_WAS_WELCOMED,
	FILTER_IS_WRITING, /* half of the pixels */
	FILTER_COMMITTED,  /* and did not ring */
	FILTER_RANG,
	FILTER_IS_READING, /* peeked at a matte */
	FILTER_POPPED,
	FILTER_STEPS,
};

enum sidecar_step {
	SIDECAR_LISTENS = 1,
	SIDECAR_ACCEPTED,
	SIDECAR_HEARD_HELLO,
	SIDECAR_ADOPTED,
	SIDECAR_WELCOMED,
	SIDECAR_IS_READING, /* peeked at a frame */
	SIDECAR_POPPED,
	SIDECAR_IS_WRITING, /* half of the coefficients */
	SIDECAR_COMMITTED,
	SIDECAR_RANG,
	SIDECAR_STEPS,
};

/* Where this process dies by SIGKILL: a step of the peer it plays (0: none), at its `pass`th time there (from 1). */
void die_at(int step, unsigned int pass);
/* Dies by SIGKILL after this time, wherever it is then. */
void die_after_us(unsigned int microseconds);

/* Connects to `path`, has `frames` frames matted, hangs up.
 * Returns 0, or a negative errno where the sidecar is gone or broke a rule. */
int live_as_filter(const char *path, unsigned int frames);

/* Serves the next connection until it hangs up; waits for it for at most a second. Returns how many frames it answered,
 * or a negative errno where there was no filter, or none that kept to the rules. */
int live_as_sidecar(int listener);

#endif
