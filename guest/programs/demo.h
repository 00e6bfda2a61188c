/* SPDX-License-Identifier: BSD-2-Clause */
/* What vsock_send sends and vsock_recv expects. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define DEMO_PORT  1234
#define DEMO_BYTES 32768

static inline uint8_t demo_byte(size_t at)
{
    return (uint8_t)(at * 7 + at / 251);
}
