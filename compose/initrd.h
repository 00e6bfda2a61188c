/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What Linux makes of an initial RAM disk: it unpacks each archive of the file, one behind the
 * other, into its root file system, in RAM (Documentation/driver-api/early-userspace/
 * buffer-format.rst).
 */
#pragma once

#include "sdk/tool/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct initrd_contents {
    uint64_t bytes; /* of RAM, in whole pages, that the files take */
    bool is_more;   /* than `bytes`: it was not unpacked further */
};

/*
 * Unpacks the file in `bytes`, up to `most_bytes`. Archives are cpio's (format newc), compressed
 * with gzip, xz, lzma or zstd or not at all. What else the file holds, such as an archive of
 * another compression, counts as it lies there. Returns what is wrong with the file, or NULL.
 */
const char *initrd_unpack(struct arena *arena, const uint8_t *bytes, size_t length,
                          uint64_t most_bytes, struct initrd_contents *contents);
