/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmm/virtio/port_client.h"

#include <string.h>

void port_client_init(struct port_client *client, struct port *port, const struct guest_ram *ram,
                      uint8_t channel, void (*notify)(unsigned channel))
{
    *client = (struct port_client){ .port = port, .ram = ram, .notify = notify };
    client->channel = channel;
    if (port_is_open(port->control.wanted)) {
        port_want_next(&port->control);
        notify(channel);
    }
}

/* ---- State -----------------------------------------------------------------------------------*/

static struct port_end empty_ring(struct port_ring *ring)
{
    ring->tail = 0;
    ring->head = 0;
    ring->wants_signal = 0;
    return (struct port_end){ .ring = ring };
}

bool port_client_open(struct port_client *client, uint32_t features, uint32_t recv_mode)
{
    struct port *port = client->port;
    if (client->open || !port_settled(&port->control)) {
        return false;
    }
    client->send = empty_ring(&port->send);
    client->send_done = empty_ring(&port->send_done);
    client->recv = empty_ring(&port->recv);
    client->recv_done = empty_ring(&port->recv_done);
    client->sending = 0;
    client->broken = client->new_send = client->new_recv = false;
    port->control.broken = 0;
    port->control.features = features;
    port_client_set_mode(client, recv_mode);
    port_want_next(&port->control);
    client->open = true;
    client->must_notify = true;
    return true;
}

bool port_client_close(struct port_client *client)
{
    if (client->open) {
        client->open = false;
        client->must_notify = false;
        port_want_next(&client->port->control);
        client->notify(client->channel);
    }
    return port_settled(&client->port->control);
}

bool port_client_broken(const struct port_client *client)
{
    return client->broken || __atomic_load_n(&client->port->control.broken, __ATOMIC_RELAXED) != 0;
}

bool port_client_lost(const struct port_client *client)
{
    return !client->broken &&
           __atomic_load_n(&client->port->control.broken, __ATOMIC_RELAXED) == PORT_LOST;
}

void port_client_set_mode(struct port_client *client, uint32_t recv_mode)
{
    __atomic_store_n(&client->port->control.recv_mode, recv_mode, __ATOMIC_RELAXED);
}

/* ---- To the switch ---------------------------------------------------------------------------*/

/* Adds bytes to the entry that is being made; it is put in once they lie elsewhere. */
static void add_bytes(struct port_end *end, struct port_entry *entry, uint64_t offset,
                      uint32_t bytes)
{
    if (entry->length > 0 && entry->offset + entry->length == offset &&
        bytes <= UINT32_MAX - entry->length) {
        entry->length += bytes;
        return;
    }
    if (entry->length > 0) {
        entry->flags = PORT_MORE;
        port_put(end, entry);
        *entry = (struct port_entry){ 0 };
    }
    entry->offset = offset;
    entry->length = bytes;
}

static void put_chain(const struct port_client *client, struct port_end *end,
                      struct port_entry *entry, const struct virtq_segment *segments,
                      unsigned count, uint32_t skip)
{
    for (unsigned i = 0; i < count; i++) {
        uint32_t skipped = skip < segments[i].bytes ? skip : segments[i].bytes;
        uint64_t offset = (uint64_t)(segments[i].at - client->ram->base) + skipped;
        skip -= skipped;
        if (skipped < segments[i].bytes) {
            add_bytes(end, entry, offset, segments[i].bytes - skipped);
        }
    }
    port_put(end, entry);
}

void port_client_send(struct port_client *client, const struct virtq_chain *chain, uint32_t skip,
                      const void *header, uint32_t header_bytes)
{
    struct port_entry entry = { .id = chain->head, .seen = client->send_done.index };
    memcpy(entry.header, header, header_bytes);
    put_chain(client, &client->send, &entry, chain->segments, chain->num_readable, skip);
    client->sending++;
    client->new_send = true;
}

void port_client_send_own(struct port_client *client, uint16_t id, uint16_t flags,
                          const void *header, uint32_t header_bytes)
{
    struct port_entry entry = { .id = id, .flags = flags, .seen = client->send_done.index };
    memcpy(entry.header, header, header_bytes);
    port_put(&client->send, &entry);
    client->sending++;
    client->new_send = true;
}

void port_client_post(struct port_client *client, const struct virtq_chain *chain)
{
    struct port_entry entry = { .id = chain->head };
    put_chain(client, &client->recv, &entry, chain->segments + chain->num_readable,
              chain->num_writable, 0);
    client->new_recv = true;
}

void port_client_flush(struct port_client *client)
{
    if (!client->open) {
        return;
    }
    client->must_notify |= client->new_send && port_publish(&client->send);
    client->must_notify |= client->new_recv && port_publish(&client->recv);
    client->new_send = client->new_recv = false;
    if (client->must_notify) {
        client->must_notify = false;
        client->notify(client->channel);
    }
}

bool port_client_wait_room(struct port_client *client)
{
    return client->open && port_wait_room(&client->send);
}

/* ---- From the switch -------------------------------------------------------------------------*/

/* What the switch has put in is at most what the ring holds. */
static bool take(struct port_client *client, struct port_end *end, bool wait,
                 struct port_entry *entry)
{
    if (!client->open || client->broken || (port_fill(end) == 0 && !(wait && port_wait(end)))) {
        return false;
    }
    if (port_fill(end) > PORT_ENTRIES) {
        client->broken = true;
        return false;
    }
    port_peek(end, 0, entry);
    port_take(end, 1);
    return true;
}

bool port_client_sent(struct port_client *client, struct port_entry *entry)
{
    if (!take(client, &client->send_done, client->sending > 0, entry)) {
        return false;
    }
    client->broken = client->sending == 0;
    client->sending -= client->sending > 0;
    return !client->broken;
}

bool port_client_received(struct port_client *client, struct port_entry *entry)
{
    return take(client, &client->recv_done, true, entry);
}

/* ---- Headers in guest memory -----------------------------------------------------------------*/

void port_header_find(const struct virtq_segment *first, uint8_t **at, unsigned bytes)
{
    bool whole = first->bytes >= bytes;
    uint32_t offset = 0;
    at[0] = first->at;
    at[1] = NULL;
    for (unsigned i = 0; !whole && i < bytes; i++) {
        if (offset == first->bytes) {
            first++;
            offset = 0;
        }
        at[i] = first->at + offset++;
    }
}

void port_header_write(uint8_t *const *at, const void *header, unsigned bytes)
{
    const uint8_t *from = header;
    if (at[1] == NULL) {
        memcpy(at[0], from, bytes);
        return;
    }
    for (unsigned i = 0; i < bytes; i++) {
        *at[i] = from[i];
    }
}
