/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest that lies: it plays the rows of the bad-input catalogue that a guest can play against a
 * real VMM, section by section as the letters of the sections are typed to its console, and prints
 * a verdict on each on the emulated PL011:
 *
 *     T10 ok
 *     T11 FAILED: block: the queue became ready
 *     T: 34 rows, 1 failed
 *
 * Two keys end its life in the middle of its devices' work: `r` begins the next one, again and
 * again (S6), `o` is the end (S9).
 *
 * A row that is played with a device begins with that device reset, and ends with it being reset
 * and serving a good request (oracle O4) and with all memory as it was that the device had no right
 * to write (O2).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct virtio;

/* Which devices a row is played with: bits. */
enum {
    CONSOLE = 1,
    BLOCK = 2,
    NET = 4,
    VSOCK = 8,
    RNG = 16,
    EACH = CONSOLE | BLOCK | NET | VSOCK | RNG,
    NONE = 0, /* a row of the machine itself */
};

struct row {
    const char *name; /* of the catalogue */
    const char *what; /* what the guest does */
    unsigned devices;
    void (*play)(struct virtio *v); /* v: each of them in turn; NULL for a row with none */
};

struct section {
    char letter;
    const struct row *rows;
    unsigned num_rows;
};

extern const struct section section_t, section_t_life, section_q, section_d, section_d_raced,
    section_b, section_n, section_c, section_v, section_r, section_s, section_s_cpu;

#define SECTION(letter_, rows_)                                                                    \
    {                                                                                              \
        .letter = (letter_), .rows = (rows_), .num_rows = sizeof(rows_) / sizeof((rows_)[0])       \
    }

/* Prints a line. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* What must hold: if it does not, the row has failed for this reason, if not for an earlier one. */
void expect(bool holds, const char *otherwise);
