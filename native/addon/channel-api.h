/* native/addon/channel-api.h - the channel's C interface, for C++. */
#ifndef MB_ADDON_CHANNEL_API_H
#define MB_ADDON_CHANNEL_API_H

extern "C" {
#include "../channel/channel.h"
}

#endif
