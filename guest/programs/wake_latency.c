/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wake_latency PERIOD_US COUNT: how late a real-time program (SCHED_FIFO) runs that a timer wakes
 * each PERIOD_US microseconds, COUNT times. As in cyclictest the times are absolute, and one that
 * has passed before the program sleeps again is left out; it is counted as missed.
 */
#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define MAX_COUNT  1000000ul
#define PRIORITY   80
#define NS_PER_SEC 1000000000l
#define NS_PER_US  1000l

static int64_t late_ns[MAX_COUNT];

static int64_t ns_between(const struct timespec *from, const struct timespec *to)
{
    return (int64_t)(to->tv_sec - from->tv_sec) * NS_PER_SEC + to->tv_nsec - from->tv_nsec;
}

static void add_ns(struct timespec *when, long ns)
{
    when->tv_sec += (when->tv_nsec + ns) / NS_PER_SEC;
    when->tv_nsec = (when->tv_nsec + ns) % NS_PER_SEC;
}

static int compare(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

static int become_real_time(void)
{
    const struct sched_param param = { .sched_priority = PRIORITY };
    if (mlockall(MCL_CURRENT | MCL_FUTURE) != 0) {
        perror("wake_latency: mlockall");
        return -1;
    }
    if (sched_setscheduler(0, SCHED_FIFO, &param) != 0) {
        perror("wake_latency: sched_setscheduler");
        return -1;
    }
    return 0;
}

static int sleep_until(const struct timespec *due)
{
    int error;
    do {
        error = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, due, NULL);
    } while (error == EINTR);
    if (error != 0) {
        (void)fprintf(stderr, "wake_latency: clock_nanosleep: %s\n", strerror(error));
    }
    return error;
}

/* Returns how many wake-ups there were in `count` periods, 0 on an error. */
static size_t measure(long period_ns, size_t count)
{
    struct timespec due, now;
    size_t wake_ups = 0;
    (void)clock_gettime(CLOCK_MONOTONIC, &due);
    now = due;
    for (size_t i = 0; i < count; i++) {
        add_ns(&due, period_ns);
        if (ns_between(&due, &now) > 0) {
            continue;
        }
        if (sleep_until(&due) != 0) {
            return 0;
        }
        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        late_ns[wake_ups++] = ns_between(&due, &now);
    }
    return wake_ups;
}

static double us_at(size_t index)
{
    return (double)late_ns[index] / NS_PER_US;
}

int main(int argc, char **argv)
{
    unsigned long period_us = argc == 3 ? strtoul(argv[1], NULL, 10) : 0;
    unsigned long count = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
    if (period_us == 0 || period_us > NS_PER_SEC / NS_PER_US || count == 0 || count > MAX_COUNT) {
        (void)fprintf(stderr, "usage: wake_latency PERIOD_US COUNT: 1 to 1000000 each\n");
        return 1;
    }
    size_t wake_ups = become_real_time() != 0 ? 0 : measure((long)period_us * NS_PER_US, count);
    if (wake_ups == 0) {
        return 1;
    }
    qsort(late_ns, wake_ups, sizeof(late_ns[0]), compare);
    printf("%zu wake-ups are late by: median %.1f us, 99.9 %% %.1f us, most %.1f us; %zu missed\n",
           wake_ups, us_at(wake_ups / 2), us_at(wake_ups - 1 - wake_ups / 1000),
           us_at(wake_ups - 1), count - wake_ups);
    return 0;
}
