#include "event.h"

#include <stdio.h>

#include "channel.h"

void event_open(struct mb_json *json, const char *name)
{
	*json = (struct mb_json){0};
	mb_json_open(json, NULL, '{');
	mb_json_string(json, "event", name);
	mb_json_number(json, "at", (double)mb_now_ns() / 1e6);
}

void event_print(struct mb_json *json)
{
	mb_json_close(json, '}');
	dstr_cat_ch(&json->text, '\n');
	/* One call: lines of two threads do not mix. */
	fputs(json->text.array, stdout);
	fflush(stdout);
	dstr_free(&json->text);
}
