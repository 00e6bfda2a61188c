/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/hostile/device_list.h"

#include "tests/hostile/hostile.h"
#include "tests/hostile/hostile_memory.h"
#include "tests/hostile/machine.h"

#include <linux/if_ether.h>
#include <stddef.h>

/* ---- Block -----------------------------------------------------------------------------------*/

static struct block_parts last_block;

struct block_parts block_parts_make(uint32_t type, uint64_t sector, uint32_t bytes)
{
    struct block_parts parts = {
        .header = mem_take(sizeof(*parts.header), 8, MEM_DRIVER),
        .status = mem_take(1, 8, MEM_DEVICE),
        .data = bytes > 0 ? mem_take(bytes, 8, MEM_DEVICE) : NULL,
    };
    parts.header->type = type;
    parts.header->sector = sector;
    *parts.status = NO_STATUS;
    last_block = parts;
    return parts;
}

static uint16_t put_block(struct virtio *v, uint16_t at)
{
    struct vring_desc *desc = &requests_of(v)->desc[at];
    struct block_parts parts = block_parts_make(VIRTIO_BLK_T_IN, 0, SECTOR_BYTES);
    desc_set(desc, parts.header, 16, VRING_DESC_F_NEXT, at + 1u);
    desc_set(desc + 1, parts.data, SECTOR_BYTES, VRING_DESC_F_NEXT | VRING_DESC_F_WRITE, at + 2u);
    desc_set(desc + 2, parts.status, 1, VRING_DESC_F_WRITE, 0);
    return 3;
}

static bool block_is_good(struct virtio *v)
{
    (void)v;
    return *last_block.status == VIRTIO_BLK_S_OK && last_block.data[510] == 0x55 &&
           last_block.data[511] == 0xaa; /* a FAT file system's first sector ends so */
}

struct block_parts block_request(struct virtio *v, uint32_t type, uint64_t sector, uint32_t bytes,
                                 uint32_t data_flags)
{
    struct vring_desc *desc = requests_of(v)->desc;
    struct block_parts parts = block_parts_make(type, sector, bytes);
    desc_set(desc, parts.header, 16, VRING_DESC_F_NEXT, bytes > 0 ? 1 : 2);
    desc_set(desc + 1, parts.data, bytes, data_flags | VRING_DESC_F_NEXT, 2);
    desc_set(desc + 2, parts.status, 1, VRING_DESC_F_WRITE, 0);
    return parts;
}

uint8_t block_do(struct virtio *v, uint32_t type, uint64_t sector, uint32_t bytes,
                 uint32_t data_flags, uint32_t *used_len)
{
    struct block_parts parts = block_request(v, type, sector, bytes, data_flags);
    uint32_t length = expect_used(v, 0);
    if (used_len != NULL) {
        *used_len = length;
    }
    return *parts.status;
}

/* ---- Console ---------------------------------------------------------------------------------*/

static uint16_t put_console(struct virtio *v, uint16_t at)
{
    volatile uint8_t *text = mem_take(1, 8, MEM_DRIVER);
    *text = '\n';
    desc_set(&requests_of(v)->desc[at], text, 1, 0, 0);
    return 1;
}

/* ---- Net -------------------------------------------------------------------------------------*/

struct net_parts net_frame(struct virtio *v, const uint8_t to[6], uint32_t bytes)
{
    volatile uint8_t *at = mem_take(NET_HEADER_BYTES + bytes, 8, MEM_DRIVER);
    volatile uint8_t *frame = at + NET_HEADER_BYTES;
    for (unsigned i = 0; i < ETH_ALEN && bytes >= 2 * ETH_ALEN; i++) {
        frame[i] = to[i];
        frame[ETH_ALEN + i] = (uint8_t)load(v->base + VIRTIO_MMIO_CONFIG + i, 1);
    }
    return (struct net_parts){ (volatile struct virtio_net_hdr_v1 *)(volatile void *)at, frame };
}

static uint16_t put_net(struct virtio *v, uint16_t at)
{
    static const uint8_t nobody[ETH_ALEN] = { 0x52, 0x54, 0, 0, 0, 0x77 };
    struct net_parts parts = net_frame(v, nobody, FRAME_BYTES);
    desc_set(&requests_of(v)->desc[at], parts.header, NET_HEADER_BYTES + FRAME_BYTES, 0, 0);
    return 1;
}

/* ---- Sockets ---------------------------------------------------------------------------------*/

volatile struct virtio_vsock_hdr *vsock_packet(struct virtio *v, uint32_t op, uint32_t payload)
{
    volatile struct virtio_vsock_hdr *header = mem_take(sizeof(*header) + payload, 8, MEM_DRIVER);
    header->src_cid = load(v->base + VIRTIO_MMIO_CONFIG, 8);
    header->dst_cid = NOBODY;
    header->src_port = 1000;
    header->dst_port = 2000;
    header->len = payload;
    header->type = VIRTIO_VSOCK_TYPE_STREAM;
    header->op = (uint16_t)op;
    return header;
}

/* RST to nobody: no answer comes. */
static uint16_t put_vsock(struct virtio *v, uint16_t at)
{
    desc_set(&requests_of(v)->desc[at], vsock_packet(v, VIRTIO_VSOCK_OP_RST, 0),
             sizeof(struct virtio_vsock_hdr), 0, 0);
    return 1;
}

/* ---- Random numbers --------------------------------------------------------------------------*/

#define RANDOM_BYTES 16u

static uint16_t put_rng(struct virtio *v, uint16_t at)
{
    desc_set(&requests_of(v)->desc[at], mem_take(RANDOM_BYTES, 8, MEM_DEVICE), RANDOM_BYTES,
             VRING_DESC_F_WRITE, 0);
    return 1;
}

/* ---- All -------------------------------------------------------------------------------------*/

volatile uint8_t *post_buffers(struct virtio *v, uint32_t queue, uint16_t count, uint32_t bytes)
{
    struct ring *ring = &v->rings[queue];
    volatile uint8_t *first = NULL;
    for (uint16_t i = 0; i < count; i++) {
        volatile uint8_t *buffer = mem_take(bytes, 8, MEM_DEVICE);
        first = first == NULL ? buffer : first;
        desc_set(&ring->desc[i], buffer, bytes, VRING_DESC_F_WRITE, 0);
        ring_offer(ring, i);
    }
    vkick(v, queue);
    return first;
}

void put_junk(struct virtio *v, uint16_t at)
{
    bool block = v->kind->id == VIRTIO_ID_BLOCK; /* room for a status, and no header */
    desc_set(&requests_of(v)->desc[at], mem_take(1, 8, MEM_DEVICE), 1,
             block ? VRING_DESC_F_WRITE : 0, 0);
}

/* A request without an answer is good when it is used. */
static bool is_used(struct virtio *v)
{
    (void)v;
    return true;
}

static const struct kind kinds[] = {
    { VIRTIO_ID_CONSOLE, CONSOLE, "console", 2, CONSOLE_TX, put_console, is_used },
    { VIRTIO_ID_BLOCK, BLOCK, "block", 1, 0, put_block, block_is_good },
    { VIRTIO_ID_NET, NET, "net", 3, NET_TX, put_net, is_used },
    { VIRTIO_ID_VSOCK, VSOCK, "vsock", 3, VSOCK_TX, put_vsock, is_used },
    { VIRTIO_ID_RNG, RNG, "rng", 1, 0, put_rng, is_used },
};

const struct kind *kind_of(uint32_t device_id)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (kinds[i].id == device_id) {
            return &kinds[i];
        }
    }
    return NULL;
}
