/* SPDX-License-Identifier: BSD-2-Clause */
/* What the serial virtualisers' tests stand on: queues in memory, time by hand, counted signals. */
#pragma once

#include "io/virt/serial_ops.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sddf/serial_queue.h>

#define MS 1000000ull

struct rig_queue {
    struct serial_queue queue;
    uint8_t *data; /* of exactly the capacity, so that ASan sees a byte beyond */
};

static uint64_t rig_time;
static uint64_t rig_timeout; /* absolute, 0: none */
static unsigned int rig_signals[256];
static char rig_log[1024];

static void rig_notify(uint8_t channel)
{
    rig_signals[channel]++;
}

static uint64_t rig_now(void)
{
    return rig_time;
}

static void rig_set_timeout(uint64_t ns)
{
    rig_timeout = rig_time + ns;
}

static void rig_report(const char *text)
{
    strncat(rig_log, text, sizeof(rig_log) - strlen(rig_log) - 1);
}

static const struct serial_ops rig_ops = { rig_notify, rig_now, rig_set_timeout, rig_report };

static inline void rig_reset(void)
{
    rig_time = 1;
    rig_timeout = 0;
    memset(rig_signals, 0, sizeof(rig_signals));
    rig_log[0] = '\0';
}

/* Lets time pass; true if the timeout came. */
static inline bool rig_pass(uint64_t ns)
{
    rig_time += ns;
    if (rig_timeout == 0 || rig_time < rig_timeout) {
        return false;
    }
    rig_timeout = 0;
    return true;
}

static inline struct sddf_serial_connection rig_connect(struct rig_queue *q, uint32_t capacity,
                                                        uint8_t channel)
{
    memset(&q->queue, 0, sizeof(q->queue));
    q->data = test_malloc(capacity);
    return (struct sddf_serial_connection){
        .queue = { (uintptr_t)&q->queue, sizeof(q->queue) },
        .data = { (uintptr_t)q->data, capacity },
        .channel = channel,
    };
}

static inline void rig_free(struct rig_queue *q)
{
    test_free(q->data);
}
