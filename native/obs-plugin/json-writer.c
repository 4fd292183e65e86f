#include "json-writer.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

static void quoted(struct dstr *text, const char *value)
{
	dstr_cat_ch(text, '"');
	for (const char *c = value; *c; c++) {
		if (*c == '"' || *c == '\\') {
			dstr_cat_ch(text, '\\');
			dstr_cat_ch(text, *c);
		} else if ((unsigned char)*c < 0x20) {
			dstr_catf(text, "\\u%04x", (unsigned)*c);
		} else {
			dstr_cat_ch(text, *c);
		}
	}
	dstr_cat_ch(text, '"');
}

static void begin(struct mb_json *json, const char *key)
{
	if (json->follows)
		dstr_cat_ch(&json->text, ',');
	json->follows = true;
	if (key) {
		quoted(&json->text, key);
		dstr_cat_ch(&json->text, ':');
	}
}

void mb_json_open(struct mb_json *json, const char *key, char bracket)
{
	begin(json, key);
	dstr_cat_ch(&json->text, bracket);
	json->follows = false;
}

void mb_json_close(struct mb_json *json, char bracket)
{
	dstr_cat_ch(&json->text, bracket);
	json->follows = true;
}

void mb_json_string(struct mb_json *json, const char *key, const char *value)
{
	begin(json, key);
	if (value)
		quoted(&json->text, value);
	else
		dstr_cat(&json->text, "null");
}

void mb_json_integer(struct mb_json *json, const char *key, uint64_t value)
{
	begin(json, key);
	dstr_catf(&json->text, "%" PRIu64, value);
}

void mb_json_number(struct mb_json *json, const char *key, double value)
{
	char digits[40];

	begin(json, key);
	snprintf(digits, sizeof(digits), "%.9g", isfinite(value) ? value : 0.0);
	/* A desktop's locale may write the point as a comma. */
	for (char *c = digits; *c; c++) {
		if (*c == ',')
			*c = '.';
	}
	dstr_cat(&json->text, digits);
}

void mb_json_bool(struct mb_json *json, const char *key, bool value)
{
	begin(json, key);
	dstr_cat(&json->text, value ? "true" : "false");
}
