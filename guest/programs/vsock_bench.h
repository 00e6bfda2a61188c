/* SPDX-License-Identifier: BSD-2-Clause */
/* What vsock_serve offers, each service on a port of its own, and what both ends compute. */
#pragma once

#include "guest/programs/vsock.h"

#include <stddef.h>

#define BENCH_MAX_BYTES (1u << 20) /* of one write or message */

enum bench_service {
    BENCH_SUM,          /* takes a stream to its end, and answers with the checksum */
    BENCH_SUM_PACKETS,  /* the same of SEQPACKET messages */
    BENCH_COUNT,        /* takes a stream to its end, and answers with the number of bytes */
    BENCH_ECHO,         /* sends back what comes */
    BENCH_ECHO_PACKETS, /* message by message */
    BENCH_NUM_SERVICES
};

/* On vsock; streams are on TCP's port of the same number as well. */
static inline unsigned bench_port(enum bench_service service)
{
    return 1235 + service;
}

static inline int bench_type(enum bench_service service)
{
    return service == BENCH_SUM_PACKETS || service == BENCH_ECHO_PACKETS ? SOCK_SEQPACKET
                                                                         : SOCK_STREAM;
}

/* Fletcher's two sums, over 64-bit words: what comes twice, not at all or too early shows. */
struct bench_sum {
    uint64_t words;
    uint64_t sums;
};

/* Adds the whole words of `length` bytes. */
static inline void bench_sum_add(struct bench_sum *sum, const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i + 8 <= length; i += 8) {
        uint64_t word;
        memcpy(&word, bytes + i, sizeof(word));
        sum->words += word;
        sum->sums += sum->words;
    }
}
