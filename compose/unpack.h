/* SPDX-License-Identifier: BSD-2-Clause */
/* Compressed archives, unpacked as a stream: no more than a decoder's window is held. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Takes unpacked bytes; false: it wants no more. */
struct unpack_sink {
    bool (*put)(void *context, const uint8_t *bytes, size_t count);
    void *context;
};

struct unpack_format {
    const char *name; /* "gzip" */
    const char *magic;
    size_t magic_bytes;
    /* Unpacks the stream that `bytes` begin with; its length goes to *used. Returns what is wrong
     * with it, as the end of a sentence, or NULL. */
    const char *(*unpack)(const uint8_t *bytes, size_t length, size_t *used,
                          const struct unpack_sink *sink);
};

/* Returns the format that the bytes are in, or NULL: none of those that are known. */
const struct unpack_format *unpack_format(const uint8_t *bytes, size_t length);
