/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/vmm/virtio/port_rig.h"

#include <stdlib.h>
#include <string.h>

struct port port;
unsigned notified, signalled;
bool switch_is_slow;
struct sent sents[MAX_CHAINS];
unsigned num_sents;
struct posted posteds[MAX_CHAINS];
unsigned num_posteds;

static struct port_rig rig;
static struct port_end send_end, send_done_end, recv_end, recv_done_end;
static bool is_open, owes_signal;

void port_rig_create(const struct port_rig *new_rig)
{
    rig = *new_rig;
    memset(&port, 0, sizeof(port));
    num_sents = num_posteds = notified = signalled = 0;
    is_open = owes_signal = switch_is_slow = false;
}

void switch_forget(unsigned i)
{
    free(sents[i].data);
    sents[i] = sents[--num_sents];
}

void port_rig_destroy(void)
{
    while (num_sents > 0) {
        switch_forget(0);
    }
    num_posteds = 0;
}

void port_rig_notify(unsigned channel)
{
    assert_int_equal(channel, CHANNEL);
    notified++;
    if (!switch_is_slow) {
        switch_serve();
    }
}

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
    port_rig_destroy();
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
        assert_true(*count < PORT_CHAIN_ENTRIES);
        assert_true(port_fill(end) > 0); /* whole chains only */
        struct port_entry *entry = &entries[(*count)++];
        port_peek(end, 0, entry);
        port_take(end, 1);
        assert_int_equal(entry->flags & ~(PORT_MORE | PORT_PATIENT), 0);
        assert_true(entry->offset < RAM_BYTES && entry->length <= RAM_BYTES - entry->offset);
    } while ((entries[*count - 1].flags & PORT_MORE) != 0);
}

static void take_send(void)
{
    static struct port_entry entries[PORT_CHAIN_ENTRIES];
    assert_true(num_sents < MAX_CHAINS);
    struct sent *sent = &sents[num_sents];
    *sent = (struct sent){ 0 };
    take_chain(&send_end, entries, &sent->num_entries);
    sent->id = entries[0].id;
    for (unsigned i = 0; i < num_sents; i++) {
        assert_int_not_equal(sents[i].id, sent->id);
    }
    memcpy(&sent->header, entries[0].header, rig.header_bytes);
    for (unsigned i = 0; i < sent->num_entries; i++) {
        sent->data = realloc(sent->data, sent->bytes + entries[i].length + 1);
        memcpy(sent->data + sent->bytes, rig.guest->ram.base + entries[i].offset,
               entries[i].length);
        sent->bytes += entries[i].length;
    }
    rig.check(sent);
    num_sents++;
}

static void take_recv(void)
{
    assert_true(num_posteds < MAX_CHAINS);
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
    assert_true(posted->bytes >= rig.header_bytes);
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

void switch_put_done(uint16_t id, uint16_t flags)
{
    struct port_entry entry = { .id = id, .flags = flags };
    port_put(&send_done_end, &entry);
    owes_signal |= port_publish(&send_done_end);
}

void switch_done(unsigned i)
{
    uint16_t id = sents[i].id;
    switch_forget(i);
    switch_put_done(id, 0);
}

void switch_put_received(uint16_t id, uint32_t length, uint16_t flags)
{
    struct port_entry entry = { .id = id, .length = length, .flags = flags };
    const struct virtio_vsock_hdr header = { .len = length }; /* zeroes for a network card */
    memcpy(entry.header, &header, sizeof(header));
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
        memcpy(rig.guest->ram.base + entry->offset + skipped, data + done, n);
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
        if (room >= bytes + (uint64_t)rig.header_bytes) {
            return i + 1;
        }
        if ((port.control.features & PORT_RECV_MERGE) == 0) {
            return 0;
        }
    }
    return 0;
}

bool switch_deliver(const void *header, const void *data, uint32_t bytes)
{
    unsigned count = is_open ? chains_for(bytes) : 0;
    uint32_t done = 0;
    for (unsigned i = 0; i < count; i++) {
        struct port_entry entry = { .id = posteds[i].id };
        uint32_t skip = i == 0 ? rig.header_bytes : 0;
        entry.length = fill(&posteds[i], skip, (const uint8_t *)data + done, bytes - done);
        entry.flags = i + 1 < count ? PORT_MORE : 0;
        done += entry.length;
        if (i == 0) {
            memcpy(entry.header, header, rig.header_bytes);
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
        rig.signal();
    }
}
