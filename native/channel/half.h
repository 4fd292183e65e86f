/* native/channel/half.h - the way of mb_matte_encode that needs no special processor, for tests to hold against it. */
#ifndef MB_HALF_H
#define MB_HALF_H

#include <stdint.h>

/* As mb_matte_encode, with the same bits, slower. */
int mb_matte_encode_portable(const float *planes, uint32_t count, uint32_t width, uint32_t height, unsigned char *out);

#endif
