/* A sidecar that does nothing by itself: it prints what filters send and sends what it is told to. link.test.ts drives
 * it. With `echo` it welcomes, and answers every frame. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "channel.h"
#include "event.h"

#define CONNECTIONS 64

struct connection {
	int socket; /* -1: none */
	struct mb_memory current;
	struct mb_memory old;
};

static struct connection connections[CONNECTIONS];
static int newest = -1;
static int listener = -1;
static bool echo;
static struct mb_message message;
static const char welcome[] = "{\"wire\":1,\"sidecar\":\"stub\"}";

static void forget(int index)
{
	struct connection *connection = &connections[index];
	struct mb_json json;

	close(connection->socket);
	connection->socket = -1;
	mb_memory_close(&connection->current);
	mb_memory_close(&connection->old);
	connection->current = connection->old = MB_MEMORY_NONE;
	event_open(&json, "gone");
	mb_json_integer(&json, "connection", (uint64_t)index);
	event_print(&json);
}

static void answer(struct connection *connection, struct mb_memory *memory)
{
	struct mb_frame frame;
	const unsigned char *pixels;

	while (memory->fd >= 0 && mb_frame_peek(memory, &frame, &pixels) == 1) {
		unsigned char *coefficients = mb_matte_begin(memory);

		if (coefficients) {
			struct mb_matte matte = {.frame_id = frame.id,
			        .taken_ns = mb_now_ns(),
			        .answered_ns = mb_now_ns(),
			        .epoch = frame.epoch,
			        .planes = 2,
			        .width = frame.width,
			        .height = frame.height};

			memset(coefficients, 0, mb_matte_bytes(memory, 2));
			mb_matte_commit(memory, &matte);
			mb_ring_doorbell(connection->socket);
		}
		mb_frame_pop(memory);
	}
}

static void take_memory(struct connection *connection, struct mb_json *json)
{
	const char *why = "";
	int result;

	/* Only one is offered at a time; what was current serves on as the old one.
	 */
	mb_memory_close(&connection->old);
	connection->old = connection->current;
	connection->current = MB_MEMORY_NONE;
	result = mb_memory_adopt(&connection->current, message.fd, &why);
	if (result != 0)
		connection->current = MB_MEMORY_NONE;
	mb_json_open(json, "memory", '{');
	mb_json_bool(json, "sound", result == 0);
	mb_json_integer(json, "width", result == 0 ? connection->current.header.width : 0);
	mb_json_integer(json, "height", result == 0 ? connection->current.header.height : 0);
	mb_json_close(json, '}');
}

static void read_connection(int index)
{
	struct connection *connection = &connections[index];
	int result;

	while ((result = mb_receive(connection->socket, &message)) == 1) {
		struct mb_json json;

		if (message.type == MB_DOORBELL) {
			if (echo) {
				answer(connection, &connection->old);
				answer(connection, &connection->current);
			}
			continue;
		}
		event_open(&json, "message");
		mb_json_integer(&json, "connection", (uint64_t)index);
		mb_json_integer(&json, "type", message.type);
		mb_json_string(&json, "body", message.body);
		mb_json_number(&json, "at", (double)mb_now_ns() / 1e6);
		if (message.fd >= 0)
			take_memory(connection, &json);
		event_print(&json);
		if (echo && message.type == MB_HELLO)
			mb_send(connection->socket, MB_WELCOME, welcome, strlen(welcome), -1);
		if (echo && message.type == MB_MEMORY)
			mb_send(connection->socket, MB_READY, message.body, message.length, -1);
	}
	if (result < 0)
		forget(index);
}

static void accept_one(void)
{
	int socket = mb_accept(listener);
	struct mb_json json;

	if (socket < 0)
		return;
	for (newest = 0; newest < CONNECTIONS - 1 && connections[newest].socket >= 0; newest++)
		;
	connections[newest] = (struct connection){socket, MB_MEMORY_NONE, MB_MEMORY_NONE};
	event_open(&json, "accepted");
	mb_json_integer(&json, "connection", (uint64_t)newest);
	mb_json_number(&json, "at", (double)mb_now_ns() / 1e6);
	event_print(&json);
}

static void break_ring(void)
{
	/* A matte of another size than the memory's: what the filter copies out must
	 * fail its check. */
	struct mb_memory *memory = &connections[newest].current;
	struct mb_matte matte = {.frame_id = 1, .epoch = 1, .planes = 3, .width = 1, .height = 1};

	if (mb_matte_begin(memory))
		mb_matte_commit(memory, &matte);
}

static void command(char *line)
{
	char *rest = line;
	char *word = strsep(&rest, " \n");

	rest[strcspn(rest, "\n")] = '\0';
	if (strcmp(word, "send") == 0) {
		char *type = strsep(&rest, " ");

		mb_send(connections[newest].socket, (uint8_t)atoi(type), rest, strlen(rest), -1);
	} else if (strcmp(word, "close") == 0) {
		forget(newest);
	} else if (strcmp(word, "echo") == 0) {
		echo = true;
	} else if (strcmp(word, "break") == 0) {
		break_ring();
	} else {
		fprintf(stderr, "unknown command: %s\n", word);
		exit(2);
	}
}

int main(int count, char **words)
{
	char line[8192];
	struct mb_json json;

	if (count != 2)
		return 2;
	for (int i = 0; i < CONNECTIONS; i++)
		connections[i] = (struct connection){-1, MB_MEMORY_NONE, MB_MEMORY_NONE};
	listener = mb_listen(words[1]);
	if (listener < 0) {
		fprintf(stderr, "cannot listen: %s\n", strerror(-listener));
		return 1;
	}
	event_open(&json, "listening");
	event_print(&json);

	setvbuf(stdin, NULL, _IONBF, 0);
	for (;;) {
		struct pollfd polls[2 + CONNECTIONS] = {
		        {.fd = STDIN_FILENO, .events = POLLIN}, {.fd = listener, .events = POLLIN}};

		for (int i = 0; i < CONNECTIONS; i++)
			polls[2 + i] = (struct pollfd){.fd = connections[i].socket, .events = POLLIN};
		if (poll(polls, 2 + CONNECTIONS, -1) < 0)
			return 1;
		if (polls[0].revents) {
			if (!fgets(line, sizeof(line), stdin))
				return 0;
			command(line);
		}
		if (polls[1].revents)
			accept_one();
		for (int i = 0; i < CONNECTIONS; i++) {
			if (polls[2 + i].revents && connections[i].socket == polls[2 + i].fd)
				read_connection(i);
		}
	}
}
