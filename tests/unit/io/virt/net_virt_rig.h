/* SPDX-License-Identifier: BSD-2-Clause */
/* What the network virtualisers' tests stand on: rings in memory, counted signals, a log. */
#pragma once

#include "io/virt/net_ops.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <time.h>

#define CLIENTS        3u
#define CAPACITY       64u
#define DRIVER_CHANNEL 50

/* The rings of a connection, of exactly the right size. */
struct rig_rings {
    uint64_t free[(8 + CAPACITY * 16) / 8];
    uint64_t active[(8 + CAPACITY * 16) / 8];
};

static unsigned int signals[256];
static char said[4096];
static uint64_t cleaned, invalidated; /* bytes */

static void rig_notify(uint8_t channel)
{
    signals[channel]++;
}

static void rig_report(const char *text)
{
    strncat(said, text, sizeof(said) - strlen(said) - 1);
}

static void rig_clean(uintptr_t vaddr, uint64_t bytes)
{
    (void)vaddr;
    cleaned += bytes;
}

static void rig_invalidate(uintptr_t vaddr, uint64_t bytes)
{
    (void)vaddr;
    invalidated += bytes;
}

static const struct net_ops rig_ops = { rig_notify, rig_report, rig_clean, rig_invalidate };

static struct sddf_net_connection rig_connect(struct rig_rings *rings, uint8_t channel)
{
    memset(rings, 0, sizeof(*rings));
    return (struct sddf_net_connection){
        .free = { (uintptr_t)rings->free, sizeof(rings->free) },
        .active = { (uintptr_t)rings->active, sizeof(rings->active) },
        .num_buffers = CAPACITY,
        .channel = channel,
    };
}

static inline void rig_forget(void)
{
    memset(signals, 0, sizeof(signals));
    said[0] = '\0';
    cleaned = invalidated = 0;
}

/* ---- Three threads: the test is the virtualiser, each sleeps wherever it may
 * -------------------*/

static sem_t virt_awake, driver_awake, client_awake;
static bool stopping;

static void rig_wake(uint8_t channel)
{
    sem_post(channel == DRIVER_CHANNEL ? &driver_awake : &client_awake);
}

static const struct net_ops rig_waking_ops = { rig_wake, rig_report, rig_clean, rig_invalidate };

/* For the others: put something into a ring, and wake the virtualiser where it waits. */
static inline void rig_put(struct net_producer *p, const struct net_buff_desc *desc)
{
    assert_true(net_enqueue(p, desc));
    if (net_must_signal(p)) {
        sem_post(&virt_awake);
    }
}

/* Takes from a ring, asleep until there is something; false at the end. */
static inline bool rig_take(struct net_consumer *c, struct net_buff_desc *desc, sem_t *awake)
{
    while (!net_dequeue(c, desc)) {
        if (__atomic_load_n(&stopping, __ATOMIC_ACQUIRE)) {
            return false;
        }
        if (!net_wait(c)) {
            sem_wait(awake);
        }
    }
    return true;
}

/* Runs all three until *count is `end`: a wake-up that is lost is a virtualiser that sleeps on. */
static inline void rig_threads(void *(*driver)(void *), void *(*client)(void *),
                               void (*virt_run)(void), const uint32_t *count, uint32_t end)
{
    pthread_t threads[2];
    struct timespec at;
    int result = 0;
    stopping = false;
    sem_init(&virt_awake, 0, 1);
    sem_init(&driver_awake, 0, 0);
    sem_init(&client_awake, 0, 0);
    assert_int_equal(pthread_create(&threads[0], NULL, driver, NULL), 0);
    assert_int_equal(pthread_create(&threads[1], NULL, client, NULL), 0);
    while (__atomic_load_n(count, __ATOMIC_ACQUIRE) < end && result == 0) {
        clock_gettime(CLOCK_REALTIME, &at);
        at.tv_sec += 5;
        result = sem_timedwait(&virt_awake, &at);
        virt_run();
    }
    __atomic_store_n(&stopping, true, __ATOMIC_RELEASE);
    sem_post(&driver_awake);
    sem_post(&client_awake);
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    assert_int_equal(result, 0);
}

/* guest0 has 52:54:01:00:00:00, and so on. */
static inline struct sddf_mac rig_mac(uint32_t number)
{
    return (struct sddf_mac){ { 0x52, 0x54, 1, 0, 0, (uint8_t)number } };
}

static inline void rig_name(char *name, uint32_t number)
{
    memcpy(name, "guest0", 7);
    name[5] = (char)('0' + number);
}
