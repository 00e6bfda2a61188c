/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/virtio_net_rig.h"

#include <stdlib.h>

struct guest guest;
struct virtio_net net;
struct mmio_region region;
struct ring rings[VIRTIO_NET_NUM_QUEUES];
struct port port;
struct vmm_net record;
unsigned notified, signalled;
bool switch_is_slow;
struct sent sents[SIZE];
unsigned num_sents;
struct posted posteds[SIZE];
unsigned num_posteds;

static struct port_end send_end, send_done_end, recv_end, recv_done_end;
static bool is_open, owes_signal;

static void notify(unsigned channel)
{
    assert_int_equal(channel, CHANNEL);
    notified++;
    if (!switch_is_slow) {
        switch_serve();
    }
}

int setup(void **state)
{
    (void)state;
    guest_create(&guest);
    memset(&port, 0, sizeof(port));
    record = (struct vmm_net){
        .port_vaddr = (uint64_t)(uintptr_t)&port,
        .mtu = MTU,
        .channel = CHANNEL,
        .mac = { 0x52, 0x54, 1, 0, 0, 0xfd },
    };
    num_sents = num_posteds = notified = signalled = 0;
    is_open = owes_signal = switch_is_slow = false;
    assert_true(virtio_net_init(&net, "net0", &guest.ram, &guest.irq, &record, notify));
    region = virtio_mmio_region(&net.device, 0xa000000, 0x1000);
    return 0;
}

static void forget_sent(unsigned i)
{
    free(sents[i].data);
    sents[i] = sents[--num_sents];
}

static void forget_all(void)
{
    while (num_sents > 0) {
        forget_sent(0);
    }
    num_posteds = 0;
}

int teardown(void **state)
{
    (void)state;
    forget_all();
    guest_destroy(&guest);
    return 0;
}

/* ---- The driver ------------------------------------------------------------------------------*/

void snapshot(void)
{
    guest_snapshot(&guest);
    for (unsigned i = 0; i < VIRTIO_NET_NUM_QUEUES; i++) {
        ring_allow_used(&rings[i]);
    }
}

void drive(uint64_t accepted)
{
    assert_int_equal(driver_negotiate(&region, accepted), 11);
    for (unsigned i = 0; i < VIRTIO_NET_NUM_QUEUES; i++) {
        ring_create(&rings[i], &guest, i, SIZE);
        assert_int_equal(driver_place(&region, i, &rings[i]), 1);
    }
    driver_ok(&region);
    snapshot();
}

void kick(unsigned index)
{
    reg_write(&region, VIRTIO_MMIO_QUEUE_NOTIFY, index);
}

void set_header(unsigned n, const struct virtio_net_hdr_v1 *header)
{
    memcpy(guest_at(&guest, HEADER(n)), header, sizeof(*header));
}

void submit(unsigned n, const struct virtio_net_hdr_v1 *header, gpa_t data, uint32_t bytes)
{
    set_header(n, header);
    ring_set(&rings[TX], 2 * n, HEADER(n), sizeof(*header), bytes > 0 ? NEXT : 0, 2 * n + 1);
    ring_set(&rings[TX], 2 * n + 1, data, bytes, 0, 0);
    ring_offer(&rings[TX], 2 * n);
}

void send_plain(unsigned n, gpa_t data, uint32_t bytes)
{
    submit(n, &(struct virtio_net_hdr_v1){ 0 }, data, bytes);
}

void post(unsigned n, gpa_t at, uint32_t bytes)
{
    ring_set(&rings[RX], n, at, bytes, WRITE, 0);
    ring_offer(&rings[RX], n);
}

uint8_t control(uint8_t class, uint8_t command, const void *data, uint32_t bytes)
{
    uint8_t *at = guest_at(&guest, CTRL_GPA);
    at[0] = class;
    at[1] = command;
    memcpy(at + 2, data, bytes);
    at[0xfff] = 0xee;
    ring_set(&rings[CTRL], 0, CTRL_GPA, 2, NEXT, bytes > 0 ? 1 : 2);
    ring_set(&rings[CTRL], 1, CTRL_GPA + 2, bytes, NEXT, 2);
    ring_set(&rings[CTRL], 2, CTRL_GPA + 0xfff, 1, WRITE, 0);
    ring_offer(&rings[CTRL], 0);
    snapshot();
    guest_allow(&guest, CTRL_GPA + 0xfff, 1);
    kick(CTRL);
    if (ring_used(&rings[CTRL])->idx != rings[CTRL].used_seen) {
        assert_int_equal(ring_take_used(&rings[CTRL], 0), 1);
    }
    guest_assert_untouched(&guest);
    return at[0xfff];
}

/* ---- The switch ------------------------------------------------------------------------------*/

bool switch_is_open(void)
{
    return is_open;
}

void switch_answer(void)
{
    uint32_t wanted = port.control.wanted;
    if (wanted == port.control.answered) {
        return;
    }
    forget_all();
    is_open = port_is_open(wanted);
    send_end = (struct port_end){ .ring = &port.send };
    send_done_end = (struct port_end){ .ring = &port.send_done };
    recv_end = (struct port_end){ .ring = &port.recv };
    recv_done_end = (struct port_end){ .ring = &port.recv_done };
    owes_signal = true;
    port.control.answered = wanted;
}

static void take_chain(struct port_end *end, struct port_entry *entries, unsigned *count)
{
    *count = 0;
    do {
        assert_true(*count < SIZE);
        assert_true(port_fill(end) > 0); /* whole chains only */
        struct port_entry *entry = &entries[(*count)++];
        port_peek(end, 0, entry);
        port_take(end, 1);
        assert_true(entry->flags <= PORT_MORE);
        assert_true(entry->length > 0);
        assert_true(entry->offset < RAM_BYTES && entry->length <= RAM_BYTES - entry->offset);
    } while ((entries[*count - 1].flags & PORT_MORE) != 0);
}

/* What the switch and other guests rely on. */
static void check_header(const struct virtio_net_hdr_v1 *header, uint32_t bytes)
{
    uint64_t features = net.device.driver_features;
    assert_true(bytes >= 14);
    assert_int_equal(header->num_buffers | header->hdr_len, 0);
    assert_int_equal(header->flags & ~VIRTIO_NET_HDR_F_NEEDS_CSUM, 0);
    if (header->flags == 0) {
        assert_int_equal(header->csum_start | header->csum_offset, 0);
    } else {
        assert_true((features & F(CSUM)) != 0);
        assert_true(header->csum_start >= 14);
        assert_true(header->csum_start + header->csum_offset + 2u <= bytes);
    }
    if (header->gso_type == VIRTIO_NET_HDR_GSO_NONE) {
        assert_int_equal(header->gso_size, 0);
        assert_true(bytes <= MTU + 18);
        return;
    }
    assert_true((header->gso_type == VIRTIO_NET_HDR_GSO_TCPV4 && (features & F(HOST_TSO4)) != 0) ||
                (header->gso_type == VIRTIO_NET_HDR_GSO_TCPV6 && (features & F(HOST_TSO6)) != 0));
    assert_int_equal(header->flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
    assert_true(header->gso_size > 0 && bytes <= 65535 + 18);
}

static void take_send(void)
{
    static struct port_entry entries[SIZE];
    assert_true(num_sents < SIZE);
    struct sent *sent = &sents[num_sents];
    *sent = (struct sent){ 0 };
    take_chain(&send_end, entries, &sent->num_entries);
    sent->id = entries[0].id;
    for (unsigned i = 0; i < num_sents; i++) {
        assert_int_not_equal(sents[i].id, sent->id);
    }
    memcpy(&sent->header, entries[0].header, sizeof(sent->header));
    for (unsigned i = 0; i < sent->num_entries; i++) {
        sent->data = realloc(sent->data, sent->bytes + entries[i].length);
        memcpy(sent->data + sent->bytes, guest.ram.base + entries[i].offset, entries[i].length);
        sent->bytes += entries[i].length;
    }
    check_header(&sent->header, sent->bytes);
    num_sents++;
}

static void take_recv(void)
{
    assert_true(num_posteds < SIZE);
    struct posted *posted = &posteds[num_posteds];
    take_chain(&recv_end, posted->entries, &posted->num_entries);
    posted->id = posted->entries[0].id;
    for (unsigned i = 0; i < num_posteds; i++) {
        assert_int_not_equal(posteds[i].id, posted->id);
    }
    posted->bytes = 0;
    for (unsigned i = 0; i < posted->num_entries; i++) {
        posted->bytes += posted->entries[i].length;
    }
    assert_true(posted->bytes >= VIRTIO_NET_HEADER_BYTES);
    num_posteds++;
}

void switch_take(void)
{
    if (!is_open) {
        return;
    }
    do {
        while (port_fill(&send_end) > 0) {
            take_send();
        }
    } while (port_wait(&send_end));
    do {
        while (port_fill(&recv_end) > 0) {
            take_recv();
        }
    } while (port_wait(&recv_end));
}

void switch_serve(void)
{
    switch_answer();
    switch_take();
}

void switch_put_done(uint16_t id)
{
    struct port_entry entry = { .id = id };
    port_put(&send_done_end, &entry);
    owes_signal |= port_publish(&send_done_end);
}

void switch_done(unsigned i)
{
    uint16_t id = sents[i].id;
    forget_sent(i);
    switch_put_done(id);
}

void switch_put_received(uint16_t id, uint32_t length, uint16_t flags)
{
    struct port_entry entry = { .id = id, .length = length, .flags = flags };
    port_put(&recv_done_end, &entry);
    owes_signal |= port_publish(&recv_done_end);
}

/* Copies into a chain from `skip` on; returns how much of `bytes` fitted. */
static uint32_t fill(const struct posted *posted, uint32_t skip, const uint8_t *data,
                     uint32_t bytes)
{
    uint32_t done = 0;
    for (unsigned i = 0; i < posted->num_entries; i++) {
        const struct port_entry *entry = &posted->entries[i];
        uint32_t skipped = skip < entry->length ? skip : entry->length;
        uint32_t n = entry->length - skipped;
        n = n < bytes - done ? n : bytes - done;
        memcpy(guest.ram.base + entry->offset + skipped, data + done, n);
        skip -= skipped;
        done += n;
    }
    return done;
}

/* How many chains a frame takes, 0: there are too few. */
static unsigned chains_for(uint32_t bytes)
{
    uint64_t room = 0;
    for (unsigned i = 0; i < num_posteds; i++) {
        room += posteds[i].bytes;
        if (room >= bytes + (uint64_t)VIRTIO_NET_HEADER_BYTES) {
            return i + 1;
        }
        if ((port.control.features & PORT_RECV_MERGE) == 0) {
            return 0;
        }
    }
    return 0;
}

bool switch_deliver(const struct virtio_net_hdr_v1 *header, const void *data, uint32_t bytes)
{
    unsigned count = is_open ? chains_for(bytes) : 0;
    uint32_t done = 0;
    for (unsigned i = 0; i < count; i++) {
        struct port_entry entry = { .id = posteds[i].id };
        uint32_t skip = i == 0 ? VIRTIO_NET_HEADER_BYTES : 0;
        entry.length = fill(&posteds[i], skip, (const uint8_t *)data + done, bytes - done);
        entry.flags = i + 1 < count ? PORT_MORE : 0;
        done += entry.length;
        if (i == 0) {
            memcpy(entry.header, header, sizeof(*header));
        }
        port_put(&recv_done_end, &entry);
    }
    if (count > 0) {
        assert_int_equal(done, bytes);
        owes_signal |= port_publish(&recv_done_end);
        num_posteds -= count;
        memmove(posteds, posteds + count, num_posteds * sizeof(posteds[0]));
    }
    return count > 0;
}

void switch_signal(void)
{
    if (owes_signal) {
        owes_signal = false;
        signalled++;
        virtio_net_notified(&net);
    }
}

/* ---- Oracle ----------------------------------------------------------------------------------*/

static void assert_sends_and_receives(void)
{
    static const uint8_t frame[60] = { 0x52, 0x54, 1, 0, 0, 0xfd, 7, 7, 7, 7, 7, 7, 8, 0 };
    memset(guest_at(&guest, BUF(0)), 0x5a, 60);
    send_plain(0, BUF(0), 60);
    post(0, BUF(1), 2048);
    snapshot();
    guest_allow(&guest, BUF(1), sizeof(frame) + VIRTIO_NET_HEADER_BYTES);
    kick(RX);
    kick(TX);
    assert_int_equal(num_sents, 1);
    assert_memory_equal(sents[0].data, guest_at(&guest, BUF(0)), 60);
    switch_done(0);
    assert_true(switch_deliver(&(struct virtio_net_hdr_v1){ 0 }, frame, sizeof(frame)));
    switch_signal();
    assert_int_equal(ring_take_used(&rings[TX], 0), 0);
    assert_int_equal(ring_take_used(&rings[RX], 0), sizeof(frame) + VIRTIO_NET_HEADER_BYTES);
    assert_memory_equal(guest_at(&guest, BUF(1) + VIRTIO_NET_HEADER_BYTES), frame, sizeof(frame));
    assert_true(guest.irq_level);
    guest_assert_untouched(&guest);
    assert_int_equal(num_sents, 0);
    assert_int_equal(num_posteds, 0);
    assert_int_equal(net.port.sending, 0);
}

void assert_works_after_reset(void)
{
    guest_race = NULL;
    switch_is_slow = false;
    drive(ALL);
    assert_int_equal(num_sents, 0);
    assert_int_equal(num_posteds, 0);
    reg_write(&region, VIRTIO_MMIO_INTERRUPT_ACK, 3);
    assert_sends_and_receives();
}
