/* native/obs-plugin/json-writer.h - writes one JSON text. libobs reads JSON but cannot write a null (29) and loses
 * arrays of anything but objects, so the texts that go out are written here. */
#ifndef MB_JSON_WRITER_H
#define MB_JSON_WRITER_H

#include <util/dstr.h>

/* Zero-initialise; the text is in `text`, freed by dstr_free. A NULL key is an element of an array, or the whole. */
struct mb_json {
	struct dstr text;
	bool follows; /* a value came before at this depth */
};

void mb_json_open(struct mb_json *json, const char *key, char bracket);
void mb_json_close(struct mb_json *json, char bracket);
/* NULL is written as null. Names from OBS are UTF-8 already. */
void mb_json_string(struct mb_json *json, const char *key, const char *value);
void mb_json_integer(struct mb_json *json, const char *key, uint64_t value);
/* NaN and infinity, which JSON lacks, are written as 0. */
void mb_json_number(struct mb_json *json, const char *key, double value);
void mb_json_bool(struct mb_json *json, const char *key, bool value);

#endif
