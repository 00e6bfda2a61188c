/* SPDX-License-Identifier: BSD-2-Clause */
#include "io/virt/switch/pieces.h"

#include <string.h>

typedef uint64_t __attribute__((may_alias)) word_t;

static uint16_t fold(uint64_t sum)
{
    sum = (sum & UINT32_MAX) + (sum >> 32);
    sum = (sum & UINT32_MAX) + (sum >> 32);
    sum = (sum & UINT16_MAX) + (sum >> 16);
    sum = (sum & UINT16_MAX) + (sum >> 16);
    return (uint16_t)sum;
}

/* A byte counts by the parity of its address here; sum_add() turns that if the stream's differs. */
static uint32_t byte_at(const uint8_t *at)
{
    return (uint32_t)*at << ((uintptr_t)at % 2 * 8);
}

void sum_add(struct sum *sum, const void *bytes, uint32_t count)
{
    const uint8_t *at = bytes;
    bool swapped = ((uintptr_t)at % 2 != 0) != sum->odd;
    uint64_t words = 0;
    uint32_t edges = 0;
    sum->odd ^= count % 2;
    for (; count > 0 && (uintptr_t)at % sizeof(word_t) != 0; count--) {
        edges += byte_at(at++);
    }
    for (; count >= sizeof(word_t); count -= sizeof(word_t), at += sizeof(word_t)) {
        uint64_t word = *(const word_t *)at;
        words += word;
        words += words < word; /* the carry comes in again at the bottom */
    }
    for (; count > 0; count--) {
        edges += byte_at(at++);
    }
    uint16_t value = fold((uint64_t)fold(words) + edges);
    sum->value += swapped ? __builtin_bswap16(value) : value;
}

uint16_t sum_fold(const struct sum *sum)
{
    return fold(sum->value);
}

/* Bytes in one stretch at the cursor, some of `count`. */
static uint32_t stretch(struct cursor *cursor, uint32_t count)
{
    while (cursor->offset == cursor->piece->bytes) {
        cursor->piece++;
        cursor->offset = 0;
    }
    uint32_t left = cursor->piece->bytes - cursor->offset;
    return left < count ? left : count;
}

void cursor_skip(struct cursor *cursor, uint32_t count)
{
    while (count > 0) {
        uint32_t part = stretch(cursor, count);
        cursor->offset += part;
        count -= part;
    }
}

void pieces_copy(struct cursor *to, struct cursor *from, uint32_t count, struct sum *sum)
{
    while (count > 0) {
        uint32_t part = stretch(from, stretch(to, count));
        uint8_t *at = to->piece->at + to->offset;
        memmove(at, from->piece->at + from->offset, part);
        if (sum != NULL) {
            sum_add(sum, at, part);
        }
        to->offset += part;
        from->offset += part;
        count -= part;
    }
}
