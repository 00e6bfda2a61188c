/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/io/virt/switch/switch_rig.h"

struct switch_config config;
struct switch_core core;
struct vmm vmms[VMMS];
uint32_t signals[256];
char said[4096];
uint64_t timeout_ns;
void (*on_notify)(uint8_t channel);

static void notify(uint8_t channel)
{
    signals[channel]++;
    if (on_notify != NULL) {
        on_notify(channel);
    }
}

static void report(const char *text)
{
    strncat(said, text, sizeof(said) - strlen(said) - 1);
}

static void set_timeout(uint64_t ns)
{
    timeout_ns = ns;
}

static const struct switch_ops ops = { notify, report, set_timeout };

void rig_mac(uint8_t *to, uint32_t i)
{
    memcpy(to, (uint8_t[]){ 0x52, 0x54, 1, 0, 0, (uint8_t)i }, 6);
}

void rig_configure(void)
{
    rig_destroy();
    config = (struct switch_config){
        .magic = SWITCH_CONFIG_MAGIC,
        .num_ports = VMMS,
        .timer_channel = SWITCH_NO_CHANNEL,
    };
    memset(vmms, 0, sizeof(vmms));
    memset(signals, 0, sizeof(signals));
    said[0] = '\0';
    for (uint32_t i = 0; i < VMMS; i++) {
        struct switch_port *port = &config.ports[i];
        vmms[i].ram = malloc(RAM_BYTES); /* so that ASan sees a byte beyond */
        vmms[i].shadow = malloc(RAM_BYTES);
        memset(vmms[i].ram, (int)(0xa0 + i), RAM_BYTES);
        memset(vmms[i].shadow, (int)(0xa0 + i), RAM_BYTES);
        port->port_vaddr = (uintptr_t)&vmms[i].port;
        port->memory = (struct sddf_region){ (uintptr_t)vmms[i].ram, RAM_BYTES };
        port->allow = UINT32_MAX;
        port->mtu = MTU;
        port->channel = (uint8_t)(10 + i);
        port->fixed = true;
        rig_mac(port->mac, i);
        memcpy(port->name, "guest0", 7);
        port->name[5] = (char)('0' + i);
    }
}

void rig_start(void)
{
    static _Alignas(8) uint8_t held[SWITCH_PORTS][SWITCH_HELD_BYTES];
    memset(held, 0xa5, sizeof(held)); /* a former life's */
    config.held_vaddr = (uintptr_t)held;
    switch_core_init(&core, &config, &ops);
    run();
}

void rig_destroy(void)
{
    for (uint32_t i = 0; i < VMMS; i++) {
        free(vmms[i].ram);
        free(vmms[i].shadow);
        vmms[i].ram = vmms[i].shadow = NULL;
    }
}

void run(void)
{
    switch_core_run(&core);
}

/* ---- The VMMs ---------------------------------------------------------------------------------*/

void vmm_open(uint32_t i, uint32_t features)
{
    struct vmm *v = &vmms[i];
    assert_true(port_settled(&v->port.control));
    memset(&v->port.send, 0, 4 * sizeof(struct port_ring));
    for (uint32_t id = 0; id < PORT_ENTRIES; id++) {
        v->chains[id].posted = false;
    }
    memset(v->sending, 0, sizeof(v->sending));
    v->send_flags = 0;
    v->send = (struct port_end){ &v->port.send, 0 };
    v->send_done = (struct port_end){ &v->port.send_done, 0 };
    v->recv = (struct port_end){ &v->port.recv, 0 };
    v->recv_done = (struct port_end){ &v->port.recv_done, 0 };
    v->port.control.features = features;
    port_want_next(&v->port.control);
    run();
    assert_true(port_settled(&v->port.control));
    assert_int_equal(v->port.control.broken, 0);
}

void vmm_close(uint32_t i)
{
    port_want_next(&vmms[i].port.control);
    run();
    assert_true(port_settled(&vmms[i].port.control));
}

bool vmm_post_chain(uint32_t i, const struct stretch *stretches, uint32_t num)
{
    struct vmm *v = &vmms[i];
    while (v->chains[v->next_id % PORT_ENTRIES].posted) {
        v->next_id++;
    }
    uint16_t id = v->next_id % PORT_ENTRIES;
    v->chains[id].posted = true;
    v->chains[id].num = num;
    for (uint32_t n = 0; n < num; n++) {
        struct port_entry entry = {
            .offset = stretches[n].offset,
            .length = stretches[n].bytes,
            .id = n == 0 ? id : 0xffff,
            .flags = n + 1 < num ? PORT_MORE : 0,
        };
        v->chains[id].stretches[n] = stretches[n];
        assert_true(port_room(&v->recv) > 0);
        port_put(&v->recv, &entry);
    }
    bool wanted = port_publish(&v->recv);
    assert_false(wanted && config.kind == SWITCH_NET); /* which never waits for chains */
    return wanted;
}

void vmm_post(uint32_t i, uint32_t slot, uint32_t bytes)
{
    vmm_post_chain(i, &(struct stretch){ RECV_AREA + slot * 2048, bytes }, 1);
}

void vmm_post_many(uint32_t i, uint32_t num, uint32_t bytes)
{
    for (uint32_t n = 0; n < num; n++) {
        vmm_post(i, n, bytes);
    }
}

void vmm_put(uint32_t i, const void *header, const uint8_t *frame, uint32_t bytes, uint32_t piece)
{
    struct vmm *v = &vmms[i];
    uint16_t id = 0;
    if (v->next_send + bytes > RECV_AREA) {
        v->next_send = 0;
    }
    memcpy(v->ram + v->next_send, frame, bytes);
    memcpy(v->shadow + v->next_send, frame, bytes);
    while (v->sending[id]) {
        id++;
    }
    v->sending[id] = true;
    for (uint32_t done = 0; done == 0 || done < bytes; done += piece) {
        uint32_t part = bytes - done < piece ? bytes - done : piece;
        struct port_entry entry = {
            .offset = v->next_send + done,
            .length = part,
            .id = done == 0 ? id : 0xffff,
            .flags = (done + part < bytes ? PORT_MORE : 0) | (done == 0 ? v->send_flags : 0),
            .seen = v->send_done.index,
        };
        if (done == 0 && header != NULL) {
            memcpy(entry.header, header, HEADER);
        }
        assert_true(port_room(&v->send) > 0);
        port_put(&v->send, &entry);
    }
    v->next_send += bytes;
}

void vmm_send(uint32_t i, const void *header, const uint8_t *frame, uint32_t bytes)
{
    vmm_put(i, header, frame, bytes, FRAME_MAX);
    assert_true(port_publish(&vmms[i].send)); /* the switch slept */
    run();
    assert_int_equal(vmm_reap(i), 1);
}

uint32_t vmm_reap(uint32_t i)
{
    struct vmm *v = &vmms[i];
    struct port_entry entry;
    uint32_t done = 0;
    assert_true(port_fill(&v->send_done) <= PORT_ENTRIES);
    for (; port_fill(&v->send_done) > 0; done++) {
        port_peek(&v->send_done, 0, &entry);
        port_take(&v->send_done, 1);
        assert_true(entry.id < PORT_ENTRIES && v->sending[entry.id]);
        v->sending[entry.id] = false;
        v->not_there += (entry.flags & PORT_NOT_THERE) != 0;
    }
    return done;
}

/* Takes `bytes` of a frame out of a chain; the shadow learns of them. */
static void take_chain(struct vmm *v, uint16_t id, uint32_t skip, uint32_t bytes, uint8_t *to)
{
    assert_true(id < PORT_ENTRIES && v->chains[id].posted);
    v->chains[id].posted = false;
    for (uint32_t n = 0; n < v->chains[id].num; n++) {
        struct stretch s = v->chains[id].stretches[n];
        uint32_t skipped = skip < s.bytes ? skip : s.bytes;
        skip -= skipped;
        uint32_t part = s.bytes - skipped < bytes ? s.bytes - skipped : bytes;
        memcpy(to, v->ram + s.offset + skipped, part);
        memcpy(v->shadow + s.offset + skipped, to, part);
        to += part;
        bytes -= part;
    }
    assert_int_equal(bytes, 0); /* no more than the chain has */
}

bool vmm_receive(uint32_t i, struct arrival *arrival)
{
    struct vmm *v = &vmms[i];
    struct port_entry entry;
    arrival->bytes = arrival->chains = 0;
    assert_true(port_fill(&v->recv_done) <= PORT_ENTRIES);
    if (port_fill(&v->recv_done) == 0) {
        return false;
    }
    do {
        assert_true(port_fill(&v->recv_done) > 0); /* a frame comes whole */
        port_peek(&v->recv_done, 0, &entry);
        port_take(&v->recv_done, 1);
        if (arrival->chains++ == 0) {
            memcpy(&arrival->header, entry.header, HEADER);
        }
        assert_true(arrival->bytes + entry.length <= FRAME_MAX);
        take_chain(v, entry.id, arrival->chains == 1 ? HEADER : 0, entry.length,
                   arrival->data + arrival->bytes);
        arrival->bytes += entry.length;
    } while (entry.flags & PORT_MORE);
    if (config.kind == SWITCH_NET) {
        assert_int_equal(arrival->header.num_buffers, arrival->chains);
    }
    return true;
}

void expect_frame(uint32_t i, const uint8_t *frame, uint32_t bytes)
{
    static struct arrival arrival;
    assert_true(vmm_receive(i, &arrival));
    assert_int_equal(arrival.bytes, bytes);
    assert_memory_equal(arrival.data, frame, bytes);
}

void expect_nothing(uint32_t i)
{
    static struct arrival arrival;
    assert_false(vmm_receive(i, &arrival));
}

void expect_memory_untouched(void)
{
    for (uint32_t i = 0; i < VMMS; i++) {
        assert_memory_equal(vmms[i].ram, vmms[i].shadow, RAM_BYTES);
    }
}

uint32_t make_frame(uint8_t *frame, uint32_t to, uint32_t from, uint32_t bytes)
{
    static uint8_t count;
    for (uint32_t n = 12; n < bytes; n++) {
        frame[n] = count++;
    }
    rig_mac(frame, to);
    rig_mac(frame + 6, from);
    return bytes;
}
