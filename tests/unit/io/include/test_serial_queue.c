/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/io/virt/io_rig.h"

#include <pthread.h>
#include <sched.h>

#define CAPACITY 16u

static struct rig_queue q;
static struct serial_producer p;
static struct serial_consumer c;

static int setup_at(uint32_t index)
{
    struct sddf_serial_connection conn = rig_connect(&q, CAPACITY, 1);
    q.queue.head = index;
    q.queue.tail = index;
    p = serial_queue_connect_producer(&conn);
    c = serial_queue_connect_consumer(&conn);
    return 0;
}

static int setup(void **state)
{
    (void)state;
    return setup_at(0);
}

static int teardown(void **state)
{
    (void)state;
    rig_free(&q);
    return 0;
}

static void the_layout_is_sddfs(void **state)
{
    (void)state;
    assert_int_equal(offsetof(struct serial_queue, consumer_polls), 12); /* where sDDF's ends */
    assert_int_equal(offsetof(struct serial_queue, tail), 0);
    assert_int_equal(offsetof(struct serial_queue, head), 4);
    assert_int_equal(offsetof(struct serial_queue, producer_signalled), 8);
}

static void empty_and_full(void **state)
{
    (void)state;
    uint8_t out[32];
    assert_int_equal(serial_queue_length(&c), 0);
    assert_int_equal(serial_queue_dequeue(&c, out, sizeof(out)), 0);
    assert_int_equal(serial_queue_free(&p), CAPACITY);
    /* Every byte of the region is usable, and no more. */
    assert_int_equal(serial_queue_enqueue(&p, "0123456789abcdefXY", 18), CAPACITY);
    assert_int_equal(serial_queue_free(&p), 0);
    assert_int_equal(serial_queue_enqueue(&p, "Z", 1), 0);
    assert_int_equal(serial_queue_dequeue(&c, out, sizeof(out)), CAPACITY);
    assert_memory_equal(out, "0123456789abcdef", CAPACITY);
    assert_int_equal(serial_queue_length(&c), 0);
}

/* All lengths, from every position, also across the wrap of the 32-bit indices. */
static void bytes_survive_both_wraps(void **state)
{
    (void)state;
    uint8_t in[CAPACITY], out[CAPACITY];
    teardown(NULL);
    setup_at(UINT32_MAX - 100);
    uint8_t next = 0;
    for (uint32_t round = 0; round < 50; round++) {
        uint32_t n = round % CAPACITY + 1;
        for (uint32_t i = 0; i < n; i++) {
            in[i] = next++;
        }
        assert_int_equal(serial_queue_enqueue(&p, in, n), n);
        assert_int_equal(serial_queue_copy(&c, n / 2, out, CAPACITY), n - n / 2);
        assert_memory_equal(out, in + n / 2, n - n / 2);
        const uint8_t *piece;
        uint32_t first = serial_queue_peek(&c, &piece);
        assert_in_range(first, 1, n);
        assert_memory_equal(piece, in, first);
        assert_int_equal(serial_queue_dequeue(&c, out, CAPACITY), n);
        assert_memory_equal(out, in, n);
    }
    assert_true(c.head < 1000);
}

static void a_lying_producer_gives_nothing(void **state)
{
    (void)state;
    static const uint32_t lies[] = { CAPACITY + 1, 0x80000000, UINT32_MAX };
    uint8_t out[64];
    const uint8_t *piece;
    for (size_t i = 0; i < 3; i++) {
        q.queue.tail = c.head + lies[i];
        assert_true(serial_queue_consumer_broken(&c));
        assert_int_equal(serial_queue_length(&c), 0);
        assert_int_equal(serial_queue_peek(&c, &piece), 0);
        assert_int_equal(serial_queue_copy(&c, 0, out, sizeof(out)), 0);
        assert_int_equal(serial_queue_copy(&c, UINT32_MAX, out, sizeof(out)), 0);
        assert_int_equal(serial_queue_dequeue(&c, out, sizeof(out)), 0);
    }
    /* Our own index is not where the other side can write it. */
    q.queue.tail = 4;
    q.queue.head = 12345;
    assert_int_equal(serial_queue_length(&c), 4);
    serial_queue_consume(&c, 4);
    assert_int_equal(q.queue.head, 4);
}

static void a_lying_consumer_gets_nothing(void **state)
{
    (void)state;
    static const uint32_t lies[] = { 1, 0x80000000, UINT32_MAX - CAPACITY };
    for (size_t i = 0; i < 3; i++) {
        q.queue.head = p.tail + lies[i];
        assert_true(serial_queue_producer_broken(&p));
        assert_int_equal(serial_queue_free(&p), 0);
        assert_int_equal(serial_queue_enqueue(&p, "x", 1), 0);
    }
    q.queue.head = 0;
    q.queue.tail = 777;
    assert_int_equal(serial_queue_enqueue(&p, "x", 1), 1);
    assert_int_equal(q.queue.tail, 1);
}

static void a_producer_is_signalled_once_for_each_request(void **state)
{
    (void)state;
    uint8_t byte;
    serial_queue_cancel_signal(&p);
    serial_queue_enqueue(&p, "0123456789abcdef", 16);
    serial_queue_dequeue(&c, &byte, 1);
    assert_false(serial_queue_must_signal(&c));
    serial_queue_request_signal(&p);
    assert_int_equal(q.queue.producer_signalled, 0);
    serial_queue_dequeue(&c, &byte, 1);
    assert_true(serial_queue_must_signal(&c));
    assert_false(serial_queue_must_signal(&c));
    serial_queue_request_signal(&p);
    serial_queue_cancel_signal(&p);
    assert_false(serial_queue_must_signal(&c));
}

static void a_consumer_that_polls_is_not_notified(void **state)
{
    (void)state;
    assert_true(serial_queue_must_notify(&p)); /* one that knows nothing of it */
    serial_queue_set_polling(&c, true);
    assert_int_equal(q.queue.consumer_polls, 1);
    assert_false(serial_queue_must_notify(&p));
    serial_queue_set_polling(&c, false);
    assert_true(serial_queue_must_notify(&p));
}

static void an_end_can_be_made_again_where_the_queue_stands(void **state)
{
    (void)state;
    uint8_t out[8];
    serial_queue_enqueue(&p, "abcdef", 6);
    serial_queue_dequeue(&c, out, 2);
    p = serial_queue_producer(&q.queue, q.data, CAPACITY);
    c = serial_queue_consumer(&q.queue, q.data, CAPACITY);
    serial_queue_enqueue(&p, "gh", 2);
    assert_int_equal(serial_queue_dequeue(&c, out, 8), 6);
    assert_memory_equal(out, "cdefgh", 6);
}

/* Two threads: the protocol of request and signal must neither lose bytes nor hang. */
#define STREAM_BYTES 100000u
static volatile bool signalled;

static void *produce(void *unused)
{
    for (uint32_t i = 0; i < STREAM_BYTES;) {
        uint8_t byte = (uint8_t)(i * 7);
        if (serial_queue_enqueue(&p, &byte, 1) == 1) {
            i++;
            continue;
        }
        __atomic_store_n(&signalled, false, __ATOMIC_SEQ_CST);
        serial_queue_request_signal(&p);
        if (serial_queue_free(&p) > 0) {
            continue;
        }
        while (!__atomic_load_n(&signalled, __ATOMIC_SEQ_CST)) {
            sched_yield();
        }
    }
    return unused;
}

static void two_threads_lose_neither_byte_nor_signal(void **state)
{
    (void)state;
    pthread_t thread;
    uint8_t out[5];
    assert_int_equal(pthread_create(&thread, NULL, produce, NULL), 0);
    for (uint32_t i = 0; i < STREAM_BYTES;) {
        uint32_t n = serial_queue_dequeue(&c, out, sizeof(out));
        for (uint32_t k = 0; k < n; k++, i++) {
            assert_int_equal(out[k], (uint8_t)(i * 7));
        }
        if (n == 0) {
            sched_yield();
        } else if (serial_queue_must_signal(&c)) {
            __atomic_store_n(&signalled, true, __ATOMIC_SEQ_CST);
        }
    }
    pthread_join(thread, NULL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_layout_is_sddfs),
        TEST(empty_and_full),
        TEST(bytes_survive_both_wraps),
        TEST(a_lying_producer_gives_nothing),
        TEST(a_lying_consumer_gets_nothing),
        TEST(a_producer_is_signalled_once_for_each_request),
        TEST(a_consumer_that_polls_is_not_notified),
        TEST(an_end_can_be_made_again_where_the_queue_stands),
        TEST(two_threads_lose_neither_byte_nor_signal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
