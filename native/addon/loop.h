/* native/addon/loop.h - the few functions of libuv that the addon calls, in place of uv.h, which does not come with
 * the headers on npm.
 *
 * All are part of libuv 1's stable interface. Handles are opaque and sized at run time, so no struct layout is assumed.
 */
#ifndef MB_ADDON_LOOP_H
#define MB_ADDON_LOOP_H

#include <cstddef>

struct uv_loop_s;
struct uv_handle_s;
struct uv_poll_s;

extern "C" {
size_t uv_handle_size(int type);
void *uv_handle_get_data(const uv_handle_s *handle);
void uv_handle_set_data(uv_handle_s *handle, void *data);
void uv_close(uv_handle_s *handle, void (*closed)(uv_handle_s *));

int uv_poll_init(uv_loop_s *loop, uv_poll_s *poll, int fd);
int uv_poll_start(uv_poll_s *poll, int events, void (*ready)(uv_poll_s *, int status, int events));
int uv_poll_stop(uv_poll_s *poll);

/* For a negative errno value: its name, as in "EMFILE", and a sentence. */
const char *uv_err_name(int error);
const char *uv_strerror(int error);
}

/* enum uv_handle_type and enum uv_poll_event */
constexpr int kUvPoll = 8;
constexpr int kUvReadable = 1;

#endif
