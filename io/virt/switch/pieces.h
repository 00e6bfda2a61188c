/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bytes that lie in pieces: copied from one list of pieces into another, and summed as the
 * Internet's checksum wants it (RFC 1071).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Checked memory: of a guest, of a card's buffer, or our own. */
struct piece {
    uint8_t *at;
    uint32_t bytes;
};

/* A place in a list of pieces. Who moves it knows that the list has as many bytes left. */
struct cursor {
    const struct piece *piece;
    uint32_t offset; /* in the piece */
};

/* A ones' complement sum of 16-bit words as they lie in memory. */
struct sum {
    uint32_t value;
    bool odd; /* the next byte is the second of its word */
};

/* Adds `count` bytes at any address. */
void sum_add(struct sum *sum, const void *bytes, uint32_t count);

/* The sum in 16 bits, not inverted. */
uint16_t sum_fold(const struct sum *sum);

/* Moves on by `count` bytes. */
void cursor_skip(struct cursor *cursor, uint32_t count);

/* Copies `count` bytes and moves both on. Where `sum` is not NULL, adds what was written: a sender
 * that changes its memory meanwhile gets a sum of what has arrived. Pieces may overlap, as a
 * guest's own do that sends to itself: then what arrives is its affair. */
void pieces_copy(struct cursor *to, struct cursor *from, uint32_t count, struct sum *sum);
