/* The texts that the filter sends: native/channel/README.md says what is in them. */
#include <unistd.h>

#include <util/bmem.h>

#include "json-writer.h"
#include "link-internal.h"

const char *const mb_reset_words[MB_RESET_REASONS] = {
        [MB_RESET_NONE] = "none",
        [MB_RESET_FIRST] = "first",
        [MB_RESET_ASKED] = "asked",
        [MB_RESET_SCENE] = "scene",
        [MB_RESET_SOURCE] = "source",
        [MB_RESET_SIZE] = "size",
        [MB_RESET_GAP] = "gap",
        [MB_RESET_CUT] = "cut",
        [MB_RESET_RESTART] = "restart",
        [MB_RESET_ERROR] = "error",
};

static const char *const drop_words[MB_DROP_REASONS] = {
        [MB_DROP_FULL] = "full",
        [MB_DROP_DISCONNECTED] = "disconnected",
        [MB_DROP_UNREADY] = "unready",
        [MB_DROP_UNANSWERED] = "unanswered",
        [MB_DROP_LOST] = "lost",
};

static const char *word_or_null(const char *text)
{
	return text && *text ? text : NULL;
}

char *mb_message_hello(const struct mb_link *link)
{
	const struct mb_session *session = &link->session;
	struct mb_json json = {0};

	mb_json_open(&json, NULL, '{');
	mb_json_integer(&json, "wire", MB_WIRE_VERSION);
	mb_json_string(&json, "filterId", link->filter_id);
	mb_json_string(&json, "source", session->names.source);
	mb_json_string(&json, "filter", session->names.filter);
	mb_json_string(&json, "obs", obs_get_version_string());
	mb_json_integer(&json, "pid", (uint64_t)getpid());
	mb_json_bool(&json, "private", session->names.private_source);
	mb_json_bool(&json, "welcomed", session->ever_welcomed);
	mb_json_close(&json, '}');
	return json.text.array;
}

char *mb_message_memory(const struct mb_memory *memory)
{
	struct mb_json json = {0};

	mb_json_open(&json, NULL, '{');
	mb_json_integer(&json, "width", memory->header.width);
	mb_json_integer(&json, "height", memory->header.height);
	mb_json_close(&json, '}');
	return json.text.array;
}

char *mb_message_renamed(const struct mb_names *names)
{
	struct mb_json json = {0};

	mb_json_open(&json, NULL, '{');
	mb_json_string(&json, "source", names->source);
	mb_json_string(&json, "filter", names->filter);
	mb_json_close(&json, '}');
	return json.text.array;
}

char *mb_message_scene(const char *scene)
{
	struct mb_json json = {0};

	mb_json_open(&json, NULL, '{');
	mb_json_string(&json, "scene", word_or_null(scene));
	mb_json_close(&json, '}');
	return json.text.array;
}

char *mb_message_reset(const struct mb_reset_note *note)
{
	struct mb_json json = {0};

	mb_json_open(&json, NULL, '{');
	mb_json_integer(&json, "epoch", note->epoch);
	mb_json_string(&json, "reason", mb_reset_words[note->reason]);
	mb_json_string(&json, "from", word_or_null(note->from));
	mb_json_string(&json, "to", word_or_null(note->to));
	mb_json_close(&json, '}');
	return json.text.array;
}

/* The filter's own trouble, by its key of the locale: "Error.Memory" has the code FILTER_MEMORY, and its mend under
 * "Error.Memory.Mend". */
static void error_write(struct mb_json *json, const char *key)
{
	struct dstr mend_key = {0};
	struct dstr code = {0};

	if (!key) {
		mb_json_string(json, "error", NULL);
		return;
	}
	dstr_printf(&mend_key, "%s.Mend", key);
	dstr_copy(&code, key);
	dstr_replace(&code, "Error.", "FILTER_");
	dstr_to_upper(&code);
	mb_json_open(json, "error", '{');
	mb_json_string(json, "code", code.array);
	mb_json_string(json, "message", obs_module_text(key));
	mb_json_string(json, "mend", obs_module_text(mend_key.array));
	mb_json_close(json, '}');
	dstr_free(&mend_key);
	dstr_free(&code);
}

char *mb_message_stats(const struct mb_filter_stats *stats)
{
	struct mb_json json = {0};

	mb_json_open(&json, NULL, '{');
	mb_json_number(&json, "fps", stats->fps);
	mb_json_number(&json, "delayMs", stats->delay_ms);
	mb_json_number(&json, "latencyMs", stats->latency_ms);
	mb_json_integer(&json, "width", stats->width);
	mb_json_integer(&json, "height", stats->height);
	mb_json_number(&json, "ratio", stats->ratio);
	mb_json_number(&json, "sufficesMs", stats->suffices_ms);
	mb_json_string(&json, "pairing", stats->pairing == MB_PAIRING_NEWEST ? "newest" : "matched");
	mb_json_bool(&json, "cover", stats->cover);
	mb_json_integer(&json, "shown", stats->shown);
	mb_json_integer(&json, "covered", stats->covered);
	mb_json_integer(&json, "sent", stats->sent);
	mb_json_integer(&json, "answered", stats->answered);
	mb_json_open(&json, "dropped", '{');
	for (int i = 0; i < MB_DROP_REASONS; i++)
		mb_json_integer(&json, drop_words[i], stats->dropped[i]);
	mb_json_close(&json, '}');
	mb_json_open(&json, "resets", '{');
	for (int i = MB_RESET_FIRST; i < MB_RESET_FILTER_REASONS; i++)
		mb_json_integer(&json, mb_reset_words[i], stats->resets[i]);
	mb_json_close(&json, '}');
	error_write(&json, stats->error);
	mb_json_close(&json, '}');
	return json.text.array;
}

void mb_names_free(struct mb_names *names)
{
	bfree(names->source);
	bfree(names->filter);
	*names = (struct mb_names){0};
}

void mb_reset_note_free(struct mb_reset_note *note)
{
	bfree(note->from);
	bfree(note->to);
	bfree(note);
}
