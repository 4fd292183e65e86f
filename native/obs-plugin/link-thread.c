/* The plugin's one link thread: begins with the first link, is joined with the last. */
#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <util/bmem.h>
#include <util/threading.h>

#include "link-internal.h"

struct mb_link_thread {
	pthread_t thread;
	int wake; /* an eventfd, this process's alone: unlike a pipe's, its write never waits for a reader */
	volatile bool stop;
	pthread_mutex_t mutex; /* the list, and nothing else: held for a few instructions */
	struct mb_link *links;
};

/* The thread that new links join. */
static pthread_mutex_t running_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct mb_link_thread *running;

void mb_link_thread_wake(struct mb_link_thread *thread)
{
	const uint64_t one = 1;

	/* A full one wakes as well. */
	while (write(thread->wake, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

static void link_unref(struct mb_link *link)
{
	if (os_atomic_dec_long(&link->refs) > 0)
		return;
	mb_session_free(link);
	pthread_mutex_destroy(&link->work);
	pthread_mutex_destroy(&link->stats_mutex);
	pthread_mutex_destroy(&link->status_mutex);
	pthread_mutex_destroy(&link->lock);
	bfree(link);
}

/* The links of this moment, each with a reference, so that adding and removing need not wait for their service. */
static size_t snapshot(struct mb_link_thread *thread, struct mb_link ***links, size_t *capacity)
{
	size_t count = 0;

	pthread_mutex_lock(&thread->mutex);
	for (struct mb_link *link = thread->links; link; link = link->next) {
		if (count == *capacity) {
			*capacity = *capacity ? *capacity * 2 : 8;
			*links = brealloc(*links, *capacity * sizeof(**links));
		}
		os_atomic_inc_long(&link->refs);
		(*links)[count++] = link;
	}
	pthread_mutex_unlock(&thread->mutex);
	return count;
}

static void drain(int fd)
{
	uint64_t count;

	while (read(fd, &count, sizeof(count)) < 0 && errno == EINTR)
		;
}

static int timeout_ms(uint64_t now_ns, uint64_t wanted_ns)
{
	uint64_t wait_ns = wanted_ns > now_ns ? wanted_ns - now_ns : 0;

	/* Up, or the last part of a millisecond would be spent spinning. */
	return wait_ns > 60000000000ULL ? 60000 : (int)((wait_ns + 999999) / 1000000);
}

static void *run(void *data)
{
	struct mb_link_thread *thread = data;
	struct mb_message *message = bmalloc(sizeof(*message));
	struct mb_link **links = NULL;
	struct pollfd *polls = NULL;
	size_t capacity = 0;
	size_t poll_capacity = 0;

	os_set_thread_name("mattebox: link");
	while (!os_atomic_load_bool(&thread->stop)) {
		uint64_t wanted_ns = UINT64_MAX;
		size_t count = snapshot(thread, &links, &capacity);
		nfds_t used = 1;

		if (poll_capacity < count + 1) {
			poll_capacity = count + 8;
			polls = brealloc(polls, poll_capacity * sizeof(*polls));
		}
		polls[0] = (struct pollfd){.fd = thread->wake, .events = POLLIN};
		for (size_t i = 0; i < count; i++) {
			struct mb_link *link = links[i];

			pthread_mutex_lock(&link->work);
			if (!link->closed) {
				uint64_t next_ns = mb_session_serve(link, mb_now_ns(), message);

				if (next_ns < wanted_ns)
					wanted_ns = next_ns;
				if (link->session.socket >= 0)
					polls[used++] = (struct pollfd){.fd = link->session.socket, .events = POLLIN};
			}
			pthread_mutex_unlock(&link->work);
			link_unref(link);
		}
		/* A removed link's socket may be closed by now: its removal wakes L. */
		poll(polls, used, timeout_ms(mb_now_ns(), wanted_ns));
		drain(thread->wake);
	}
	bfree(links);
	bfree(polls);
	bfree(message);
	return NULL;
}

/* NULL where the process is out of descriptors or threads: the link then stays unconnected. */
static struct mb_link_thread *start(void)
{
	struct mb_link_thread *thread;
	int wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	if (wake < 0)
		return NULL;
	thread = bzalloc(sizeof(*thread));
	thread->wake = wake;
	pthread_mutex_init(&thread->mutex, NULL);
	if (pthread_create(&thread->thread, NULL, run, thread) != 0) {
		pthread_mutex_destroy(&thread->mutex);
		close(thread->wake);
		bfree(thread);
		return NULL;
	}
	return thread;
}

static void stop(struct mb_link_thread *thread)
{
	os_atomic_set_bool(&thread->stop, true);
	mb_link_thread_wake(thread);
	pthread_join(thread->thread, NULL);
	pthread_mutex_destroy(&thread->mutex);
	close(thread->wake);
	bfree(thread);
}

void mb_link_thread_add(struct mb_link *link)
{
	pthread_mutex_lock(&running_mutex);
	if (!running)
		running = start();
	link->thread = running;
	if (running) {
		pthread_mutex_lock(&running->mutex);
		link->next = running->links;
		running->links = link;
		pthread_mutex_unlock(&running->mutex);
		mb_link_thread_wake(running);
	} else {
		blog(LOG_ERROR, "mattebox: no thread for the connection to the sidecar: nothing will be matted");
	}
	pthread_mutex_unlock(&running_mutex);
}

void mb_link_thread_remove(struct mb_link *link)
{
	struct mb_link_thread *thread = link->thread;
	bool last = false;

	if (thread) {
		pthread_mutex_lock(&running_mutex);
		pthread_mutex_lock(&thread->mutex);
		for (struct mb_link **at = &thread->links; *at; at = &(*at)->next) {
			if (*at == link) {
				*at = link->next;
				break;
			}
		}
		last = !thread->links;
		pthread_mutex_unlock(&thread->mutex);
		if (last)
			running = NULL;
		pthread_mutex_unlock(&running_mutex);
	}

	/* Waits for L to end with this link. */
	pthread_mutex_lock(&link->work);
	link->closed = true;
	pthread_mutex_unlock(&link->work);

	if (last)
		stop(thread);
	else if (thread)
		mb_link_thread_wake(thread);
	link_unref(link);
}
