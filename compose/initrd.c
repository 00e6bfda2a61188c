/* SPDX-License-Identifier: BSD-2-Clause */
#include "compose/initrd.h"

#include "compose/diag.h"
#include "compose/limits.h"
#include "compose/unpack.h"

#include <string.h>
#include <sys/stat.h>

#define HEADER_BYTES   110
#define MAGIC_BYTES    6
#define FIELD_DIGITS   8
#define FIELD_MODE     1 /* the fields' order, behind the magic */
#define FIELD_SIZE     6
#define FIELD_NAME     11
#define ALIGN          4
#define MAX_NAME_BYTES 4096 /* an entry with a longer name, or target of a link, is skipped */
#define INLINE_LINK    128  /* bytes of a link's target that take no page */

/* An archive that is being read, as a stream. Zero bytes between entries mean nothing. */
struct cpio {
    uint64_t at;    /* from where alignment counts */
    uint64_t skip;  /* bytes of the entry that are to come */
    bool has_ended; /* what follows in the stream is none */
    unsigned num_header;
    char header[HEADER_BYTES];
    const char *fault;
};

/* The walk through the file; `unpacked` is all that has come out of its archives. */
struct walk {
    struct cpio cpio;
    uint64_t unpacked_bytes, most_bytes;
    struct initrd_contents *contents;
};

static bool is_between_entries(const struct cpio *cpio)
{
    return cpio->num_header == 0 && cpio->skip == 0;
}

static bool read_field(const char *header, unsigned field, uint64_t *value)
{
    const char *digits = header + MAGIC_BYTES + (size_t)field * FIELD_DIGITS;
    *value = 0;
    for (unsigned i = 0; i < FIELD_DIGITS; i++) {
        char c = digits[i];
        unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                         : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
                         : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A' + 10)
                                                : 16;
        if (digit == 16) {
            return false;
        }
        *value = *value << 4 | digit;
    }
    return true;
}

/* Linux's rootfs keeps a regular file's bytes in pages, and a link's target if it is long. */
static uint64_t pages_of(uint64_t mode, uint64_t size)
{
    bool takes = S_ISREG(mode) || (S_ISLNK(mode) && size > INLINE_LINK && size <= MAX_NAME_BYTES);
    return takes ? round_up(size, PAGE_BYTES) : 0;
}

static void end_header(struct walk *walk)
{
    struct cpio *cpio = &walk->cpio;
    uint64_t mode, size, name;
    cpio->num_header = 0;
    if (memcmp(cpio->header, "070701", MAGIC_BYTES) != 0 &&
        memcmp(cpio->header, "070702", MAGIC_BYTES) != 0) {
        cpio->fault = memcmp(cpio->header, "070707", MAGIC_BYTES) == 0
                          ? "is in cpio's old format; make it with `cpio -o -H newc`"
                          : "is damaged, an entry has no magic of cpio's; build or fetch it again";
        return;
    }
    if (!read_field(cpio->header, FIELD_MODE, &mode) ||
        !read_field(cpio->header, FIELD_SIZE, &size) ||
        !read_field(cpio->header, FIELD_NAME, &name)) {
        cpio->fault = "is damaged, an entry's header has fields that are no numbers; build or "
                      "fetch it again";
        return;
    }
    uint64_t name_end = round_up(HEADER_BYTES + name, ALIGN) - HEADER_BYTES;
    cpio->skip = round_up(cpio->at + name_end + size, ALIGN) - cpio->at;
    if (name > 0 && name <= MAX_NAME_BYTES) {
        walk->contents->bytes += pages_of(mode, size);
    }
}

/* Reads on; returns how many bytes belong to the archive. */
static size_t read_cpio(struct walk *walk, const uint8_t *bytes, size_t count)
{
    struct cpio *cpio = &walk->cpio;
    size_t used = 0;
    while (used < count && cpio->fault == NULL && !cpio->has_ended) {
        size_t step = 1;
        if (cpio->skip > 0) {
            step = count - used < cpio->skip ? count - used : (size_t)cpio->skip;
            cpio->skip -= step;
        } else if (cpio->num_header > 0 || (bytes[used] == '0' && cpio->at % ALIGN == 0)) {
            cpio->header[cpio->num_header++] = (char)bytes[used];
        } else if (bytes[used] != 0) {
            cpio->has_ended = true;
            break;
        }
        cpio->at += step;
        used += step;
        if (cpio->num_header == HEADER_BYTES) {
            end_header(walk);
        }
    }
    return used;
}

static bool is_enough(const struct walk *walk)
{
    return walk->contents->bytes > walk->most_bytes || walk->unpacked_bytes > walk->most_bytes;
}

/* What is unpacked: an archive, and behind it or in its place what is none. */
static bool put(void *context, const uint8_t *bytes, size_t count)
{
    struct walk *walk = context;
    walk->unpacked_bytes += count;
    size_t used = read_cpio(walk, bytes, count);
    walk->contents->bytes += count - used;
    return walk->cpio.fault == NULL && !is_enough(walk);
}

/* Reads one archive from `at` on; its length goes to *used. Returns what is wrong, or NULL. */
static const char *read_archive(struct walk *walk, const uint8_t *bytes, size_t length, size_t at,
                                size_t *used, const char **name)
{
    const struct unpack_format *format = unpack_format(bytes + at, length - at);
    struct unpack_sink sink = { put, walk };
    const char *fault = NULL;
    walk->cpio = (struct cpio){ .at = format == NULL ? at : 0 };
    *name = format == NULL ? "cpio" : format->name;
    if (format != NULL) {
        fault = format->unpack(bytes + at, length - at, used, &sink);
    } else {
        *used = read_cpio(walk, bytes + at, length - at);
        walk->unpacked_bytes += *used;
    }
    if (fault == NULL && walk->cpio.fault == NULL && !is_enough(walk) &&
        !is_between_entries(&walk->cpio)) {
        fault = "ends too early; build or fetch it again";
    }
    return walk->cpio.fault != NULL ? walk->cpio.fault : fault;
}

const char *initrd_unpack(struct arena *arena, const uint8_t *bytes, size_t length,
                          uint64_t most_bytes, struct initrd_contents *contents)
{
    struct walk walk = { .most_bytes = most_bytes, .contents = contents };
    *contents = (struct initrd_contents){ 0 };
    for (size_t at = 0; at < length && !is_enough(&walk);) {
        const char *name;
        size_t used = 0;
        const char *fault = read_archive(&walk, bytes, length, at, &used, &name);
        if (fault != NULL) {
            return arena_printf(arena, "the %s archive at byte %zu of it %s", name, at, fault);
        }
        if (used == 0) {
            /* Of a format that is not known: as it lies there, it is the least. */
            contents->bytes += length - at;
            break;
        }
        at += used;
    }
    contents->is_more = is_enough(&walk);
    contents->bytes = contents->is_more ? most_bytes : round_up(contents->bytes, PAGE_BYTES);
    return NULL;
}
