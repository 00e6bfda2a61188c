/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ports that open, close, post and send at random, beside a model that says for each frame who
 * must get it, byte for byte, and into which chains. Shares are left out: test_switch_net.c.
 */
#include "tests/unit/io/virt/switch/switch_rig.h"

#define NAMES  8u /* MACs: 0 to 3 are the ports', the rest invented */
#define ROUNDS 80000
#define QUEUE  512u

struct expected {
    uint32_t bytes;
    uint8_t frame[MTU + 22];
};

/* What the model knows of a port. */
struct model {
    bool open;
    uint32_t features, mode;
    uint32_t head, tail; /* of the chains that it has */
    uint32_t chains[PORT_ENTRIES];
    uint32_t first, last; /* of the frames that it must find */
    struct expected frames[QUEUE];
};

static struct model models[VMMS];
static int owner[NAMES]; /* the port that a name was learnt from, or -1 */

static uint32_t any(uint32_t below)
{
    return (uint32_t)rand() % below;
}

static bool model_knows(uint32_t name)
{
    return name < VMMS;
}

/* Whether the frame passes at its sender's port. */
static bool model_source(uint32_t from, uint32_t name)
{
    if (model_knows(name) || config.ports[from].fixed) {
        return name == from;
    }
    owner[name] = (int)from;
    return true;
}

static bool model_wants(uint32_t to, bool group, bool broadcast, bool known)
{
    uint32_t mode = models[to].mode;
    if (mode & PORT_RECV_PROMISC) {
        return true;
    }
    if (broadcast) {
        return !(mode & PORT_RECV_NO_BROADCAST);
    }
    if (group) {
        return !(mode & PORT_RECV_NO_MULTICAST);
    }
    return !(mode & PORT_RECV_NO_UNICAST) && (known || !config.ports[to].fixed);
}

/* Takes chains for a frame, or none. */
static bool model_fill(struct model *m, uint32_t bytes)
{
    uint32_t need = bytes + HEADER, head = m->head, has = 0;
    do {
        if (head == m->tail) {
            return false;
        }
        has += m->chains[head++ % PORT_ENTRIES];
    } while (has < need && (m->features & PORT_RECV_MERGE));
    if (has < need) {
        return false;
    }
    m->head = head;
    return true;
}

static void model_deliver(uint32_t to, const uint8_t *frame, uint32_t bytes)
{
    struct model *m = &models[to];
    if (!m->open || !model_fill(m, bytes)) {
        return;
    }
    struct expected *e = &m->frames[m->last++ % QUEUE];
    assert_true(m->last - m->first <= QUEUE);
    e->bytes = bytes;
    memcpy(e->frame, frame, bytes);
}

/* `to`: a name, or NAMES for a multicast, NAMES + 1 for a broadcast address. */
static void model_send(uint32_t from, uint32_t to, uint32_t name, const uint8_t *frame,
                       uint32_t bytes)
{
    if (bytes < 14 || bytes > MTU + 22 || !model_source(from, name)) {
        return;
    }
    bool group = to >= NAMES;
    int known = group ? -1 : model_knows(to) ? (int)to : owner[to];
    for (uint32_t i = 0; i < VMMS; i++) {
        bool meant = known < 0 || (uint32_t)known == i;
        if (i != from && meant && (config.ports[from].allow >> i & 1) &&
            model_wants(i, group, to == NAMES + 1, known >= 0)) {
            model_deliver(i, frame, bytes);
        }
    }
}

/* ---- What happens -----------------------------------------------------------------------------*/

static void receive(uint32_t i)
{
    static struct arrival arrival;
    struct model *m = &models[i];
    if (!m->open) {
        return;
    }
    while (vmm_receive(i, &arrival)) {
        struct expected *e = &m->frames[m->first++ % QUEUE];
        assert_true((int32_t)(m->last - m->first) >= 0);
        assert_int_equal(arrival.bytes, e->bytes);
        assert_memory_equal(arrival.data, e->frame, e->bytes);
    }
    assert_int_equal(m->first, m->last);
    assert_int_equal(port_fill(&(struct port_end){ &vmms[i].port.recv, vmms[i].port.recv.head }) >
                         0,
                     m->head != m->tail);
}

static void toggle(uint32_t i)
{
    struct model *m = &models[i];
    if (m->open) {
        receive(i);
        vmm_close(i);
        vmms[i].next_send = 0;
    } else {
        vmm_open(i, any(2) ? PORT_RECV_MERGE : 0);
        m->features = vmms[i].port.control.features;
        m->head = m->tail = m->first = m->last = 0;
    }
    m->open = !m->open;
    for (uint32_t name = 0; name < NAMES; name++) {
        owner[name] = owner[name] == (int)i ? -1 : owner[name];
    }
}

static void post(uint32_t i)
{
    struct model *m = &models[i];
    if (!m->open || m->tail - m->head > 100) {
        return;
    }
    struct stretch s[3];
    uint32_t num = 1 + any(3), at = RECV_AREA + m->tail % 200 * 4096, bytes = 0;
    for (uint32_t n = 0; n < num; n++) {
        s[n] = (struct stretch){ at, HEADER + any(any(4) ? 700 : 30) };
        at += s[n].bytes + any(9);
        bytes += s[n].bytes;
    }
    vmm_post_chain(i, s, num);
    m->chains[m->tail++ % PORT_ENTRIES] = bytes;
}

static void put_address(uint8_t *at, uint32_t name)
{
    rig_mac(at, name);
    if (name == NAMES) {
        memcpy(at, (uint8_t[]){ 0x33, 0x33, 0, 0, 0, 1 }, 6);
    }
    if (name == NAMES + 1) {
        memset(at, 0xff, 6);
    }
}

static void send(uint32_t from)
{
    static uint8_t frame[2048];
    if (!models[from].open) {
        return;
    }
    uint32_t count = 1 + any(4);
    for (uint32_t n = 0; n < count; n++) {
        uint32_t to = any(NAMES + 2), name = any(3) ? from : any(NAMES + 1);
        uint32_t bytes = any(4) ? 14 + any(1500) : any(1600);
        make_frame(frame, 0, 0, bytes < 12 ? 12 : bytes);
        put_address(frame, to);
        put_address(frame + 6, name);
        vmm_put(from, NULL, frame, bytes, 20 + any(2000));
        if (name < NAMES) {
            model_send(from, to, name, frame, bytes);
        }
    }
    port_publish(&vmms[from].send);
    run();
    assert_int_equal(vmm_reap(from), count);
}

static void configure(uint32_t seed)
{
    srand(seed);
    rig_configure();
    memset(models, 0, sizeof(models));
    for (uint32_t name = 0; name < NAMES; name++) {
        owner[name] = -1;
    }
    for (uint32_t i = 0; i < VMMS; i++) {
        config.ports[i].fixed = any(2);
        config.ports[i].allow = any(3) ? UINT32_MAX : (uint32_t)rand();
    }
    rig_start();
    for (uint32_t i = 0; i < VMMS; i++) {
        core.members[i].contended = false;
    }
}

static void step(uint32_t i)
{
    uint32_t what = any(100);
    if (what == 0 || !models[i].open) {
        toggle(i);
    } else if (what == 1) {
        models[i].mode = any(2) ? 0 : any(16);
        vmms[i].port.control.recv_mode = models[i].mode;
    } else if (what < 50) {
        post(i);
    } else {
        send(i);
        for (uint32_t to = 0; to < VMMS; to++) {
            if (models[to].last - models[to].first > 100 || any(3) == 0) {
                receive(to);
            }
        }
    }
}

static void at_random(void **state)
{
    (void)state;
    uint64_t arrived = 0;
    for (uint32_t seed = 1; seed <= 8; seed++) {
        configure(seed);
        for (uint32_t round = 0; round < ROUNDS / 8; round++) {
            step(any(VMMS));
            if (round % 500 == 0) {
                for (uint32_t i = 0; i < VMMS; i++) {
                    receive(i);
                }
                expect_memory_untouched();
            }
        }
        for (uint32_t i = 0; i < VMMS; i++) {
            arrived += core.counters[i].received;
        }
        assert_string_equal(said, "");
    }
    assert_true(arrived > ROUNDS / 8); /* it was not all dropped */
    rig_destroy();
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(at_random) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
