/* What the properties page says of the connection, in the words of the locale. */
#include <stdio.h>
#include <string.h>

#include <util/bmem.h>

#include "link-internal.h"

/* Appends a sentence of the locale as a line of its own, %1 to %4 replaced. Missing values are empty. */
static void line(struct dstr *page, const char *key, const char *const values[4])
{
	static const char *const places[] = {"%1", "%2", "%3", "%4"};
	struct dstr text = {0};

	dstr_copy(&text, obs_module_text(key));
	for (int i = 0; i < 4; i++)
		dstr_replace(&text, places[i], values && values[i] ? values[i] : "");
	if (page->len)
		dstr_cat_ch(page, '\n');
	dstr_cat_dstr(page, &text);
	dstr_free(&text);
}

static const char *number(char out[32], const char *format, double value)
{
	snprintf(out, 32, format, value);
	return out;
}

static void connection(struct dstr *page, const struct mb_status *status)
{
	char ms[32];

	switch (status->phase) {
	case MB_PHASE_ABSENT:
		line(page, "State.Absent", NULL);
		return;
	case MB_PHASE_UNUSABLE:
		line(page, "State.Unusable", (const char *const[4]){strerror(status->trouble)});
		return;
	case MB_PHASE_HANDSHAKE:
		line(page, "State.Handshake", NULL);
		return;
	case MB_PHASE_SILENT:
		line(page, "State.Silent", NULL);
		return;
	case MB_PHASE_REFUSED:
		line(page, "State.Refused", (const char *const[4]){status->refused.message, status->refused.mend});
		return;
	case MB_PHASE_BREACH:
		line(page, "State.Breach", NULL);
		return;
	case MB_PHASE_CONNECTED:
		break;
	}
	line(page, "State.Connected", (const char *const[4]){status->sidecar});
	if (*status->error.message)
		line(page, "State.EngineError", (const char *const[4]){status->error.message, status->error.mend});
	else if (*status->provider)
		line(page, "State.Engine",
		        (const char *const[4]){status->provider, *status->device ? status->device : "-",
		                *status->model ? status->model : "-", number(ms, "%.1f", status->inference_ms)});
}

static void figures(struct dstr *page, const struct mb_filter_stats *stats)
{
	char fps[32];
	char delay[32];
	char latency[32];
	char size[32];
	char ratio[32];
	char suffices[32];

	snprintf(size, sizeof(size), "%ux%u", stats->width, stats->height);
	line(page, "State.Figures",
	        (const char *const[4]){number(fps, "%.1f", stats->fps), number(delay, "%.0f", stats->delay_ms),
	                number(latency, "%.0f", stats->latency_ms)});
	if (stats->width)
		line(page, "State.Size", (const char *const[4]){size, number(ratio, "%.3g", stats->ratio)});
	line(page, stats->pairing == MB_PAIRING_NEWEST ? "State.PairingNewest" : "State.PairingMatched", NULL);
	if (stats->suffices_ms > 0)
		line(page, "State.TooSlow", (const char *const[4]){number(suffices, "%.0f", stats->suffices_ms)});
	if (stats->memory_bound)
		line(page, "State.MemoryBound", NULL);
	if (stats->error) {
		struct dstr mend = {0};

		dstr_printf(&mend, "%s.Mend", stats->error);
		line(page, stats->error, NULL);
		line(page, mend.array, NULL);
		dstr_free(&mend);
	}
}

static void resets(struct dstr *page, const struct mb_filter_stats *stats, const struct mb_status *status)
{
	struct dstr list = {0};

	for (int i = MB_RESET_FIRST; i < MB_RESET_REASONS; i++) {
		uint64_t count = i < MB_RESET_FILTER_REASONS ? stats->resets[i] : status->resets[i];

		if (count)
			dstr_catf(
			        &list, "%s%s %llu", list.len ? ", " : "", mb_reset_words[i], (unsigned long long)count);
	}
	if (list.len)
		line(page, "State.Resets", (const char *const[4]){list.array});
	dstr_free(&list);
}

char *mb_link_describe(struct mb_link *link)
{
	struct mb_filter_stats stats;
	struct mb_status status;
	struct dstr page = {0};
	bool has_stats;

	pthread_mutex_lock(&link->status_mutex);
	status = link->status;
	pthread_mutex_unlock(&link->status_mutex);
	pthread_mutex_lock(&link->stats_mutex);
	stats = link->stats;
	has_stats = link->has_stats;
	pthread_mutex_unlock(&link->stats_mutex);

	connection(&page, &status);
	if (has_stats) {
		figures(&page, &stats);
		resets(&page, &stats, &status);
	}
	return page.array;
}
