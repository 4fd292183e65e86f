/* What the test programs print: one JSON object a line. Any thread. */
#ifndef TEST_EVENT_H
#define TEST_EVENT_H

#include "json-writer.h"

/* Opens {"event": name, "at": milliseconds, for the caller to add to; event_print closes, prints
 * and frees it. */
void event_open(struct mb_json *json, const char *name);
void event_print(struct mb_json *json);

#endif
