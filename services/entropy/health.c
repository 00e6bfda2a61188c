/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/entropy/health.h"

void health_add(struct health *health, uint8_t sample)
{
    health->repeats = sample == health->last ? health->repeats + 1 : 1;
    health->last = sample;
    if (health->position == 0) {
        health->first = sample;
        health->common = 0;
    }
    health->common += sample == health->first;
    health->position = (health->position + 1) % HEALTH_WINDOW;
    health->failed |= health->repeats >= HEALTH_REPEATS || health->common >= HEALTH_COMMON;
}
