/* native/addon/errors.h - negative errno values become JavaScript errors here and nowhere else. */
#ifndef MB_ADDON_ERRORS_H
#define MB_ADDON_ERRORS_H

#include <napi.h>

/* Throws an Error with `code` as Node's own have it ("EACCES"); `doing` begins the sentence. */
void ThrowErrno(Napi::Env env, int error, const char *doing);

/* A call that no correct program makes. */
void ThrowMisuse(Napi::Env env, const char *message);

/* "EACCES" for -EACCES. */
const char *ErrnoName(int error);

#endif
