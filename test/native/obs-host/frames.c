/* Every output frame is read back: pixels at chosen points, figures of chosen
 * areas. */
#include <math.h>
#include <pthread.h>
#include <stdio.h>

#include <util/darray.h>
#include <util/platform.h>

#include "host.h"

/* FNV-1a, by words. */
#define FIRST_HASH 14695981039346656037ull
#define HASH_FACTOR 1099511628211ull
#define MAX_POINTS 256
#define MAX_AREAS 64

struct area {
	uint32_t x, y, width, height;
};

/* What is kept of an area in a frame. */
struct figures {
	uint32_t room;   /* pixels that show the room's green */
	uint32_t opaque; /* alpha over 250 */
	uint32_t clear;  /* alpha under 5 */
	uint32_t step;   /* largest difference of neighbours in a channel, 0..255 in
	                    linear light, weighted by alpha */
	uint64_t hash;   /* of its pixels */
};

struct record {
	uint64_t timestamp;
	uint64_t hash; /* of all pixels */
	uint8_t points[MAX_POINTS][4];
	struct figures areas[MAX_AREAS];
};

static struct {
	pthread_mutex_t mutex;
	pthread_cond_t more;
	bool on;
	bool registered;
	uint32_t point_count, area_count;
	uint32_t points[MAX_POINTS][2];
	struct area areas[MAX_AREAS];
	FILE *file;
	DARRAY(struct record) records;
} capture = {.mutex = PTHREAD_MUTEX_INITIALIZER, .more = PTHREAD_COND_INITIALIZER};

/* 0..255 in linear light: the light in which a blur is even. */
static int light[256];

static void make_light(void)
{
	for (int n = 0; n < 256; n++) {
		double v = n / 255.0;
		double linear = v <= 0.04045 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4);
		light[n] = (int)(linear * 255.0 + 0.5);
	}
}

static int weighted(const uint8_t *pixel, int channel)
{
	return light[pixel[channel]] * pixel[3] / 255;
}

static uint32_t step_between(const uint8_t *a, const uint8_t *b)
{
	int largest = 0;
	for (int channel = 0; channel < 3; channel++) {
		int difference = abs(weighted(a, channel) - weighted(b, channel));
		if (difference > largest)
			largest = difference;
	}
	return (uint32_t)largest;
}

/* Green beyond red and blue: nothing but the room is. */
static bool shows_room(const uint8_t *p)
{
	int other = p[0] > p[2] ? p[0] : p[2];
	return p[3] > 8 && p[1] - other > 24;
}

static struct figures look_at(const uint8_t *data, uint32_t stride, const struct area *area)
{
	struct figures out = {.hash = FIRST_HASH};
	for (uint32_t y = area->y; y < area->y + area->height; y++) {
		for (uint32_t x = area->x; x < area->x + area->width; x++) {
			const uint8_t *p = data + (size_t)y * stride + (size_t)x * 4;
			uint32_t word;
			memcpy(&word, p, sizeof(word));
			out.hash = (out.hash ^ word) * HASH_FACTOR;
			out.room += shows_room(p);
			out.opaque += p[3] > 250;
			out.clear += p[3] < 5;
			uint32_t step = 0;
			if (x > area->x)
				step = step_between(p, p - 4);
			if (step > out.step)
				out.step = step;
			if (y > area->y)
				step = step_between(p, p - stride);
			if (step > out.step)
				out.step = step;
		}
	}
	return out;
}

static void on_frame(void *param, struct video_data *frame)
{
	UNUSED_PARAMETER(param);
	struct obs_video_info video;
	if (!obs_get_video_info(&video))
		return;

	pthread_mutex_lock(&capture.mutex);
	if (capture.on) {
		const uint8_t *data = frame->data[0];
		uint32_t stride = frame->linesize[0];
		struct record *record = da_push_back_new(capture.records);
		record->timestamp = frame->timestamp;
		record->hash = FIRST_HASH;
		for (uint32_t y = 0; y < video.output_height; y++) {
			const uint64_t *words = (const uint64_t *)(data + (size_t)y * stride);
			for (uint32_t n = 0; n < video.output_width / 2; n++)
				record->hash = (record->hash ^ words[n]) * HASH_FACTOR;
		}
		for (uint32_t n = 0; n < capture.point_count; n++)
			memcpy(record->points[n],
			        data + (size_t)capture.points[n][1] * stride + (size_t)capture.points[n][0] * 4, 4);
		for (uint32_t n = 0; n < capture.area_count; n++)
			record->areas[n] = look_at(data, stride, &capture.areas[n]);
		if (capture.file != NULL)
			for (uint32_t y = 0; y < video.output_height; y++)
				fwrite(data + (size_t)y * stride, 4, video.output_width, capture.file);
		pthread_cond_broadcast(&capture.more);
	}
	pthread_mutex_unlock(&capture.mutex);
}

static uint32_t member(obs_data_t *item, const char *key)
{
	return (uint32_t)obs_data_get_int(item, key);
}

void mb_capture_begin(obs_data_t *command)
{
	pthread_mutex_lock(&capture.mutex);
	da_resize(capture.records, 0);

	obs_data_array_t *points = obs_data_get_array(command, "points");
	capture.point_count = 0;
	for (size_t n = 0; n < obs_data_array_count(points) && n < MAX_POINTS; n++) {
		obs_data_t *item = obs_data_array_item(points, n);
		capture.points[n][0] = member(item, "x");
		capture.points[n][1] = member(item, "y");
		capture.point_count++;
		obs_data_release(item);
	}
	obs_data_array_release(points);

	obs_data_array_t *areas = obs_data_get_array(command, "areas");
	capture.area_count = 0;
	for (size_t n = 0; n < obs_data_array_count(areas) && n < MAX_AREAS; n++) {
		obs_data_t *item = obs_data_array_item(areas, n);
		capture.areas[n] = (struct area){
		        member(item, "x"), member(item, "y"), member(item, "width"), member(item, "height")};
		capture.area_count++;
		obs_data_release(item);
	}
	obs_data_array_release(areas);

	const char *path = obs_data_get_string(command, "file");
	if (capture.file != NULL)
		fclose(capture.file);
	capture.file = *path ? fopen(path, "wb") : NULL;
	capture.on = true;
	bool registered = capture.registered;
	capture.registered = true;
	pthread_mutex_unlock(&capture.mutex);

	if (!registered) {
		make_light();
		obs_add_raw_video_callback(NULL, on_frame, NULL);
	}
}

void mb_capture_take(obs_data_t *command, struct dstr *answer)
{
	size_t wanted = (size_t)obs_data_get_int(command, "count");
	uint64_t timeout_ms = (uint64_t)obs_data_get_int(command, "timeoutMs");
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += (time_t)(timeout_ms / 1000);
	until.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}

	pthread_mutex_lock(&capture.mutex);
	while (capture.records.num < wanted)
		if (pthread_cond_timedwait(&capture.more, &capture.mutex, &until) != 0)
			break;
	dstr_cat(answer, "\"frames\":[");
	for (size_t n = 0; n < capture.records.num; n++) {
		const struct record *record = &capture.records.array[n];
		dstr_catf(answer, "%s{\"timestampMs\":%.3f,\"hash\":\"%016llx\",\"points\":\"", n > 0 ? "," : "",
		        (double)record->timestamp / 1e6, (unsigned long long)record->hash);
		for (uint32_t p = 0; p < capture.point_count; p++)
			dstr_catf(answer, "%02x%02x%02x%02x", record->points[p][0], record->points[p][1],
			        record->points[p][2], record->points[p][3]);
		dstr_cat(answer, "\",\"areas\":[");
		for (uint32_t a = 0; a < capture.area_count; a++)
			dstr_catf(answer,
			        "%s{\"room\":%u,\"opaque\":%u,\"clear\":%u,\"step\":%u,"
			        "\"hash\":\"%016llx\"}",
			        a > 0 ? "," : "", record->areas[a].room, record->areas[a].opaque,
			        record->areas[a].clear, record->areas[a].step,
			        (unsigned long long)record->areas[a].hash);
		dstr_cat(answer, "]}");
	}
	dstr_cat(answer, "]");
	da_resize(capture.records, 0);
	if (obs_data_get_bool(command, "stop")) {
		capture.on = false;
		if (capture.file != NULL)
			fclose(capture.file);
		capture.file = NULL;
	}
	pthread_mutex_unlock(&capture.mutex);
}

void mb_capture_end(void)
{
	if (capture.registered)
		obs_remove_raw_video_callback(on_frame, NULL);
	pthread_mutex_lock(&capture.mutex);
	capture.registered = capture.on = false;
	da_free(capture.records);
	if (capture.file != NULL)
		fclose(capture.file);
	capture.file = NULL;
	pthread_mutex_unlock(&capture.mutex);
}
