/* SPDX-License-Identifier: BSD-2-Clause */
/* What the serial virtualisers need from around them, so that their cores also run in host tests.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct serial_ops {
    void (*notify)(uint8_t channel);
    uint64_t (*now)(void);            /* nanoseconds */
    void (*set_timeout)(uint64_t ns); /* from now; replaces the one that is pending */
    void (*report)(const char *text); /* a piece of text for the developer's log */
};

/* A moment that is waited for with the one timeout that there is. */
struct serial_deadline {
    bool set;
    uint64_t at;
};

/* Waits for `ns` from now on. */
static inline void serial_deadline_set(struct serial_deadline *deadline,
                                       const struct serial_ops *ops, uint64_t ns)
{
    deadline->set = true;
    deadline->at = ops->now() + ns;
    ops->set_timeout(ns);
}

/*
 * On the timer's notification: true, once, if the moment has come. The notification can be an
 * older timeout's that crossed with a new request; then it waits on.
 */
static inline bool serial_deadline_passed(struct serial_deadline *deadline,
                                          const struct serial_ops *ops)
{
    if (!deadline->set) {
        return false;
    }
    uint64_t now = ops->now();
    if (now < deadline->at) {
        ops->set_timeout(deadline->at - now);
        return false;
    }
    deadline->set = false;
    return true;
}
