/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <sddf/net_queue.h>
#include <semaphore.h>

#define CAPACITY 8u

static struct net_queue *queue;
static struct net_producer p;
static struct net_consumer c;

static void connect_ends(uint16_t capacity)
{
    struct sddf_region region = { (uintptr_t)queue, net_queue_bytes(capacity) };
    p = net_producer(&region, capacity);
    c = net_consumer(&region, capacity);
}

/* Memory of exactly the right size, so that ASan sees a byte beyond; indices before the wrap. */
static int setup_of(uint16_t capacity)
{
    queue = calloc(1, net_queue_bytes(capacity));
    queue->head = queue->tail = UINT16_MAX - 3;
    connect_ends(capacity);
    return 0;
}

static int setup(void **state)
{
    (void)state;
    return setup_of(CAPACITY);
}

static int teardown(void **state)
{
    (void)state;
    free(queue);
    return 0;
}

static void entries_pass(void **state)
{
    (void)state;
    for (uint16_t i = 0; i < 50; i++) {
        struct net_buff_desc desc = { 0x123456789000 + i, i, 63 }, got;
        assert_false(net_dequeue(&c, &got));
        assert_true(net_enqueue(&p, &desc));
        assert_true(net_dequeue(&c, &got));
        assert_int_equal(got.io_or_offset, desc.io_or_offset);
        assert_int_equal(got.len, desc.len);
        assert_int_equal(got.oid, 63);
    }
}

static void fills_and_drains(uint16_t capacity)
{
    struct net_buff_desc desc;
    net_queue_fill(&p, 1ull << 33, capacity + 1u);
    assert_int_equal(net_room(&p), 0);
    assert_int_equal(net_length(&c), capacity);
    assert_false(net_enqueue(&p, &desc));
    for (uint64_t i = 0; i < capacity; i++) {
        assert_true(net_dequeue(&c, &desc));
        assert_int_equal(desc.io_or_offset, (1ull << 33) + i * 2048);
        assert_int_equal(net_room(&p), i + 1);
    }
    assert_false(net_dequeue(&c, &desc));
}

static void full_is_full(void **state)
{
    fills_and_drains(CAPACITY);
    teardown(state);
    setup_of(NET_QUEUE_MAX);
    fills_and_drains(NET_QUEUE_MAX);
}

/* S7: indices that make no sense read as an empty, or as a full queue. */
static void lies_do_nothing(void **state)
{
    (void)state;
    static const uint16_t lies[] = { CAPACITY + 1, 1000, 0x7fff, 0x8000, UINT16_MAX };
    struct net_buff_desc desc = { 0 };
    for (uint32_t i = 0; i < 5; i++) {
        queue->tail = (uint16_t)(c.head + lies[i]);
        queue->head = (uint16_t)(p.tail - lies[i]);
        assert_true(net_consumer_broken(&c));
        assert_int_equal(net_length(&c), 0);
        assert_false(net_dequeue(&c, &desc));
        assert_false(net_wait(&c)); /* or a liar makes us look again for ever */
        assert_true(net_producer_broken(&p));
        assert_int_equal(net_room(&p), 0);
        assert_false(net_enqueue(&p, &desc));
    }
    /* What the other side writes over our own index changes nothing. */
    queue->head = p.tail;
    queue->tail = 12345;
    assert_true(net_enqueue(&p, &desc));
    assert_int_equal(queue->tail, p.tail);
    queue->head = 54321;
    assert_true(net_dequeue(&c, &desc));
    assert_int_equal(queue->head, c.head);
}

static void signals_only_where_awaited(void **state)
{
    (void)state;
    struct net_buff_desc desc = { 0 };
    assert_true(net_must_signal(&p)); /* a new ring: its consumer has not looked yet */
    assert_false(net_must_signal(&p));
    assert_false(net_wait(&c));
    assert_true(net_enqueue(&p, &desc));
    assert_true(net_must_signal(&p));
    assert_true(net_wait(&c));
    assert_false(net_must_signal(&p)); /* it looks again */
    assert_true(net_dequeue(&c, &desc));
    assert_false(net_wait(&c));
    assert_true(net_must_signal(&p));
}

static void a_restart_goes_on(void **state)
{
    (void)state;
    struct net_buff_desc desc = { .len = 5 };
    assert_true(net_enqueue(&p, &desc));
    desc.len = 6;
    assert_true(net_enqueue(&p, &desc));
    assert_true(net_dequeue(&c, &desc));
    connect_ends(CAPACITY);
    assert_int_equal(net_room(&p), CAPACITY - 1);
    assert_true(net_dequeue(&c, &desc));
    assert_int_equal(desc.len, 6);
}

#define MANY 300000u

static sem_t awaited;

/* Sleeps wherever it may, so that a wake-up that is lost is a test that does not end. */
static void *consume(void *unused)
{
    struct net_buff_desc desc;
    uint32_t next = 0;
    while (next < MANY) {
        while (net_dequeue(&c, &desc)) {
            assert_int_equal(desc.io_or_offset, next++);
        }
        if (next < MANY && !net_wait(&c)) {
            sem_wait(&awaited);
        }
    }
    return unused;
}

static void no_wake_up_is_lost(void **state)
{
    (void)state;
    pthread_t thread;
    sem_init(&awaited, 0, 0);
    assert_int_equal(pthread_create(&thread, NULL, consume, NULL), 0);
    for (uint32_t i = 0; i < MANY;) {
        struct net_buff_desc desc = { i, 0, 0 };
        if (!net_enqueue(&p, &desc)) {
            sched_yield();
            continue;
        }
        i++;
        if (net_must_signal(&p)) {
            sem_post(&awaited);
        }
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(entries_pass),      TEST(full_is_full),
        TEST(lies_do_nothing),   TEST(signals_only_where_awaited),
        TEST(a_restart_goes_on), TEST(no_wake_up_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
