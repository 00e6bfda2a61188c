/* SPDX-License-Identifier: BSD-2-Clause */
#include "compose/unpack.h"

#include <limits.h>
#include <lzma.h>
#include <string.h>
#define ZLIB_CONST /* next_in may point to const */
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#define OUT_BYTES     0x10000
#define XZ_MAX_MEMORY (136ul << 20) /* of the decoder: a window, as zstd bounds it, and some */
#define GZIP_WINDOW   (15 + 16)     /* the largest, behind a gzip header */

static const char too_short[] = "ends too early; build or fetch it again";
static const char damaged[] = "is damaged; build or fetch it again";
static const char no_memory[] = "was not unpacked: out of memory; free some and try again";
static const char too_wide[] = "was compressed with a window of more than 128 MiB; make it smaller";

/* ---- gzip -------------------------------------------------------------------------------------*/

static const char *gzip_run(z_stream *z, const uint8_t *bytes, size_t length,
                            const struct unpack_sink *sink, uint8_t out[OUT_BYTES])
{
    size_t given = 0;
    int result = Z_OK;
    while (result == Z_OK) {
        if (z->avail_in == 0) {
            size_t left = length - given;
            z->next_in = bytes + given;
            z->avail_in = left < INT_MAX ? (unsigned)left : INT_MAX;
            given += z->avail_in;
        }
        z->next_out = out;
        z->avail_out = OUT_BYTES;
        result = inflate(z, Z_NO_FLUSH);
        if (!sink->put(sink->context, out, OUT_BYTES - z->avail_out)) {
            return NULL;
        }
    }
    return result == Z_STREAM_END ? NULL : result == Z_BUF_ERROR ? too_short : damaged;
}

static const char *gzip_unpack(const uint8_t *bytes, size_t length, size_t *used,
                               const struct unpack_sink *sink)
{
    z_stream z = { 0 };
    if (inflateInit2(&z, GZIP_WINDOW) != Z_OK) {
        return no_memory;
    }
    uint8_t out[OUT_BYTES];
    const char *fault = gzip_run(&z, bytes, length, sink, out);
    *used = z.total_in;
    (void)inflateEnd(&z);
    return fault;
}

/* ---- xz and lzma ------------------------------------------------------------------------------*/

static const char *xz_run(lzma_stream *stream, const struct unpack_sink *sink,
                          uint8_t out[OUT_BYTES])
{
    lzma_ret result = LZMA_OK;
    while (result == LZMA_OK || result == LZMA_GET_CHECK) {
        stream->next_out = out;
        stream->avail_out = OUT_BYTES;
        result = lzma_code(stream, LZMA_FINISH);
        if (result == LZMA_GET_CHECK && lzma_get_check(stream) > LZMA_CHECK_CRC32) {
            return "has a check that Linux does not know; compress it with `xz --check=crc32`";
        }
        if (!sink->put(sink->context, out, OUT_BYTES - stream->avail_out)) {
            return NULL;
        }
    }
    return result == LZMA_STREAM_END       ? NULL
           : result == LZMA_BUF_ERROR      ? too_short
           : result == LZMA_MEMLIMIT_ERROR ? too_wide
           : result == LZMA_MEM_ERROR      ? no_memory
                                           : damaged;
}

static const char *xz_unpack_by(lzma_stream *stream, lzma_ret begun, const uint8_t *bytes,
                                size_t length, size_t *used, const struct unpack_sink *sink)
{
    if (begun != LZMA_OK) {
        return no_memory;
    }
    stream->next_in = bytes;
    stream->avail_in = length;
    uint8_t out[OUT_BYTES];
    const char *fault = xz_run(stream, sink, out);
    *used = length - stream->avail_in;
    lzma_end(stream);
    return fault;
}

static const char *xz_unpack(const uint8_t *bytes, size_t length, size_t *used,
                             const struct unpack_sink *sink)
{
    lzma_stream stream = LZMA_STREAM_INIT;
    lzma_ret begun = lzma_stream_decoder(&stream, XZ_MAX_MEMORY, LZMA_TELL_ANY_CHECK);
    return xz_unpack_by(&stream, begun, bytes, length, used, sink);
}

static const char *lzma_unpack(const uint8_t *bytes, size_t length, size_t *used,
                               const struct unpack_sink *sink)
{
    lzma_stream stream = LZMA_STREAM_INIT;
    lzma_ret begun = lzma_alone_decoder(&stream, XZ_MAX_MEMORY);
    return xz_unpack_by(&stream, begun, bytes, length, used, sink);
}

/* ---- zstd -------------------------------------------------------------------------------------*/

static const char *zstd_run(ZSTD_DStream *stream, ZSTD_inBuffer *in, const struct unpack_sink *sink)
{
    uint8_t bytes[OUT_BYTES];
    size_t result = 1;
    while (result != 0) {
        ZSTD_outBuffer out = { bytes, sizeof(bytes), 0 };
        size_t before = in->pos;
        result = ZSTD_decompressStream(stream, &out, in);
        if (ZSTD_isError(result)) {
            return ZSTD_getErrorCode(result) == ZSTD_error_frameParameter_windowTooLarge ? too_wide
                                                                                         : damaged;
        }
        if (!sink->put(sink->context, bytes, out.pos)) {
            return NULL;
        }
        if (result != 0 && out.pos == 0 && in->pos == before) {
            return too_short;
        }
    }
    return NULL;
}

static const char *zstd_unpack(const uint8_t *bytes, size_t length, size_t *used,
                               const struct unpack_sink *sink)
{
    ZSTD_inBuffer in = { bytes, length, 0 };
    ZSTD_DStream *stream = ZSTD_createDStream();
    const char *fault = stream == NULL ? no_memory : zstd_run(stream, &in, sink);
    (void)ZSTD_freeDStream(stream);
    *used = in.pos;
    return fault;
}

static const struct unpack_format formats[] = {
    { "gzip", "\x1f\x8b", 2, gzip_unpack },
    { "lzma", "\x5d\0", 2, lzma_unpack },
    { "xz", "\xfd\x37zXZ\0", 6, xz_unpack },
    { "zstd", "\x28\xb5\x2f\xfd", 4, zstd_unpack },
};

const struct unpack_format *unpack_format(const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        const struct unpack_format *format = &formats[i];
        if (length >= format->magic_bytes &&
            memcmp(bytes, format->magic, format->magic_bytes) == 0) {
            return format;
        }
    }
    return NULL;
}
