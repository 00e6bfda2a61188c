/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The whole VMM (main.c is included) between a guest that a test plays, the kernel's side of its
 * vCPUs, a block server and two switches that keep to their contracts. What the contracts say of
 * vCPUs, list registers and interrupts is checked at each call.
 */
#pragma once

#include "tests/unit/io/virt/pd_rig.h"

#include "vmm/core/vmm_pd.c"

#include <stdlib.h>

#define VCPUS        2u
#define RAM_GPA      0x40000000ull
#define RAM_BYTES    0x40000ull
#define BOUNCE_BYTES 0x4000ull
#define DTB_GPA      (RAM_GPA + 0x3f000)
#define GICD_GPA     0x08000000ull
#define PL011_GPA    0x09000000ull
#define VIRTIO_GPA   0x0b000000ull /* 0x1000 each: console, block, net, vsock, rng */
#define PASSED_INTID 40u
#define TIMER_INTID  27u
#define DISK_BLOCKS  64u

enum { SERIAL_RX = 1, SERIAL_TX, BLOCK, NET, VSOCK, PASSED };

static struct rig_vcpu {
    struct vcpu_regs regs;
    uint64_t sysregs[VCPU_NUM_SYSREGS];
    bool runs, timer_masked, lr[VGIC_LIST_REGISTERS];
} rig_vcpus[VCPUS];

static uint8_t *rig_ram;
static bool rig_passed_masked;
static struct serial_queue rig_serial[2];
static uint8_t rig_serial_data[2][64];
static uint64_t rig_blk_req[(16 + 64 * 32) / 8], rig_blk_resp[(8 + 64 * 12) / 8];
static struct blk_storage_info rig_info;
static uint8_t rig_bounce[BOUNCE_BYTES];
static struct port rig_ports[2];
static struct rig_switch {
    struct port_end send, send_done, recv, recv_done;
    uint32_t seen; /* of `wanted` */
} rig_switches[2];

char microkit_name[MICROKIT_PD_NAME_LENGTH] = "rig_vmm";
uint32_t restart_lives = 1;

/* ---- The kernel's side of vCPUs ---------------------------------------------------------------*/

struct vcpu_regs *vcpu_regs_get(unsigned vcpu)
{
    assert_true(vcpu < VCPUS && !rig_vcpus[vcpu].runs);
    return &rig_vcpus[vcpu].regs;
}

void vcpu_regs_put(unsigned vcpu)
{
    assert_true(vcpu < VCPUS);
}

uint64_t vcpu_sysreg_read(unsigned vcpu, enum vcpu_sysreg reg)
{
    return rig_vcpus[vcpu].sysregs[reg];
}

void vcpu_sysreg_write(unsigned vcpu, enum vcpu_sysreg reg, uint64_t value)
{
    assert_true(vcpu < VCPUS && !rig_vcpus[vcpu].runs);
    rig_vcpus[vcpu].sysregs[reg] = value;
}

void vcpu_start(unsigned vcpu, uint64_t pc, uint64_t x0)
{
    struct rig_vcpu *v = &rig_vcpus[vcpu];
    assert_true(vcpu < VCPUS && !v->runs && pc - RAM_GPA < RAM_BYTES);
    v->regs = (struct vcpu_regs){ .x[0] = x0, .pc = pc, .spsr = 0x3c5 };
    v->runs = true;
    memset(v->lr, 0, sizeof(v->lr));
}

void vcpu_stop(unsigned vcpu)
{
    rig_vcpus[vcpu].runs = false;
}

void vcpu_resume(unsigned vcpu)
{
    assert_true(vcpu < VCPUS && !rig_vcpus[vcpu].runs);
    rig_vcpus[vcpu].runs = true;
}

void vcpu_inject(unsigned vcpu, unsigned intid, unsigned priority, unsigned group, unsigned index)
{
    assert_true(vcpu < VCPUS && index < VGIC_LIST_REGISTERS && priority < 32 && group < 2);
    assert_true(intid <= VGIC_LAST_SPI && !rig_vcpus[vcpu].lr[index]);
    rig_vcpus[vcpu].lr[index] = true;
}

void vcpu_ack_ppi(unsigned vcpu, unsigned intid)
{
    assert_true(intid == TIMER_INTID && rig_vcpus[vcpu].timer_masked);
    rig_vcpus[vcpu].timer_masked = false;
}

void cache_clean(uint64_t vaddr, uint64_t bytes)
{
    (void)vaddr, (void)bytes;
}

void cache_drop(uint64_t vaddr, uint64_t bytes)
{
    (void)vaddr, (void)bytes;
}

/* A fault of a vCPU that runs; its message is in the registers. */
static inline void rig_fault(unsigned vcpu, seL4_Word label)
{
    microkit_msginfo reply;
    rig_vcpus[vcpu].runs = false;
    if (fault(vcpu, microkit_msginfo_new(label, 4), &reply)) {
        assert_false(rig_vcpus[vcpu].runs);
        rig_vcpus[vcpu].runs = true;
    }
}

/* ---- What is outside --------------------------------------------------------------------------*/

/* Answers what the VMM asks of the disk, which must be its guest's. */
static inline void rig_serve_disk(uint32_t most, uint32_t status)
{
    struct blk_server server = blk_queue_connect_server(&block_config.virt);
    struct blk_req req;
    for (; most > 0 && blk_server_receive(&server, &req); most--) {
        uint64_t bytes = (uint64_t)req.count * BLK_TRANSFER_SIZE;
        bool moves = req.code == BLK_REQ_READ || req.code == BLK_REQ_WRITE;
        assert_true(!moves || (req.io_or_offset <= RAM_BYTES + BOUNCE_BYTES &&
                               bytes <= RAM_BYTES + BOUNCE_BYTES - req.io_or_offset));
        if (req.code == BLK_REQ_READ && req.io_or_offset < RAM_BYTES && status == BLK_RESP_OK) {
            memset(rig_ram + req.io_or_offset, 0xd1,
                   bytes < RAM_BYTES - req.io_or_offset ? bytes : RAM_BYTES - req.io_or_offset);
        }
        struct blk_resp resp = { status, status == BLK_RESP_OK ? req.count : 0, req.id };
        (void)blk_server_respond(&server, &resp);
    }
    notified(BLOCK);
}

/* Opens and closes as the VMM wants it. */
static inline bool rig_switch_settles(unsigned n)
{
    struct port_control *control = &rig_ports[n].control;
    struct rig_switch *s = &rig_switches[n];
    if (control->wanted != control->answered) {
        *s = (struct rig_switch){ .send = { &rig_ports[n].send, 0 },
                                  .send_done = { &rig_ports[n].send_done, 0 },
                                  .recv = { &rig_ports[n].recv, 0 },
                                  .recv_done = { &rig_ports[n].recv_done, 0 } };
    }
    control->answered = control->wanted;
    return port_is_open(control->wanted);
}

static inline void rig_check_entry(const struct port_entry *entry)
{
    assert_true(entry->offset <= RAM_BYTES && entry->length <= RAM_BYTES - entry->offset);
}

/* The switch takes all that is sent, and gives `bytes` bytes in the next chain to receive in. */
static inline void rig_switch_works(unsigned n, uint32_t bytes)
{
    struct rig_switch *s = &rig_switches[n];
    struct port_entry entry, first = { 0 };
    bool more = false;
    if (!rig_switch_settles(n)) {
        return;
    }
    while (port_fill(&s->send) > 0) {
        port_peek(&s->send, 0, &entry);
        port_take(&s->send, 1);
        rig_check_entry(&entry);
        first = more ? first : entry;
        more = entry.flags & PORT_MORE;
        if (!more) {
            port_put(&s->send_done, &(struct port_entry){ .id = first.id });
        }
    }
    for (more = false; bytes > 0 && port_fill(&s->recv) > 0;) {
        port_peek(&s->recv, 0, &entry);
        port_take(&s->recv, 1);
        rig_check_entry(&entry);
        first = more ? first : entry;
        more = entry.flags & PORT_MORE;
        if (!more) {
            port_put(&s->recv_done, &(struct port_entry){ .id = first.id, .length = bytes });
            break;
        }
    }
    (void)port_publish(&s->send_done);
    (void)port_publish(&s->recv_done);
}

/* ---- Set-up -----------------------------------------------------------------------------------*/

static struct sddf_serial_connection rig_serial_connection(unsigned n, uint8_t channel)
{
    return (struct sddf_serial_connection){
        .queue = { (uintptr_t)&rig_serial[n], sizeof(rig_serial[n]) },
        .data = { (uintptr_t)rig_serial_data[n], sizeof(rig_serial_data[n]) },
        .channel = channel,
    };
}

static void rig_configure(void)
{
    static uint32_t kernel[16] = { [4] = 0x1000, [14] = 0x644d5241 };
    static uint32_t dtb[32];
    dtb[0] = __builtin_bswap32(0xd00dfeed);
    dtb[1] = __builtin_bswap32(sizeof(dtb));
    config = (struct vmm_config){
        .magic = VMM_CONFIG_MAGIC,
        .guest = "guest0",
        .ram_gpa = RAM_GPA,
        .ram_vaddr = (uintptr_t)rig_ram,
        .ram_bytes = RAM_BYTES,
        .kernel = { (uintptr_t)kernel, sizeof(kernel) },
        .dtb = { (uintptr_t)dtb, sizeof(dtb) },
        .kernel_gpa = RAM_GPA,
        .dtb_gpa = DTB_GPA,
        .gicd_gpa = GICD_GPA,
        .num_vcpus = VCPUS,
        .num_devices = 6,
        .devices = { { VMM_DEVICE_PL011, 33, PL011_GPA, 0x1000, 0, 0 },
                     { VMM_DEVICE_VIRTIO_CONSOLE, 48, VIRTIO_GPA, 0x1000, 80, 25 },
                     { VMM_DEVICE_VIRTIO_BLOCK, 49, VIRTIO_GPA + 0x1000, 0x1000, 0, 0 },
                     { VMM_DEVICE_VIRTIO_NET, 50, VIRTIO_GPA + 0x2000, 0x1000, 0, 0 },
                     { VMM_DEVICE_VIRTIO_VSOCK, 51, VIRTIO_GPA + 0x3000, 0x1000, 0, 0 },
                     { VMM_DEVICE_VIRTIO_RNG, 52, VIRTIO_GPA + 0x4000, 0x1000, 0, 0 } },
        .block = { .bounce_vaddr = (uintptr_t)rig_bounce,
                   .bounce_bytes = BOUNCE_BYTES,
                   .bounce_offset = RAM_BYTES,
                   .guest_ram = true },
        .nets = { { (uintptr_t)&rig_ports[0], 1500, NET, { 2, 0, 0, 0, 0, 1 } } },
        .vsock = { (uintptr_t)&rig_ports[1], 3, VSOCK, 1 },
        .entropy = { PD_ENTROPY, 64 },
        .irqs = { { PASSED_INTID, PASSED } },
        .num_irqs = 1,
    };
    serial_config = (struct sddf_serial_client_config){
        .magic = PD_MAGIC(SDDF_SERIAL),
        .rx = rig_serial_connection(0, SERIAL_RX),
        .tx = rig_serial_connection(1, SERIAL_TX),
    };
    block_config = (struct sddf_blk_client_config){
        .magic = PD_MAGIC(SDDF_BLOCK),
        .virt = { .storage_info = { (uintptr_t)&rig_info, sizeof(rig_info) },
                  .req = { (uintptr_t)rig_blk_req, sizeof(rig_blk_req) },
                  .resp = { (uintptr_t)rig_blk_resp, sizeof(rig_blk_resp) },
                  .num_buffers = 64,
                  .channel = BLOCK },
        .data = { 0, RAM_BYTES + BOUNCE_BYTES },
    };
}

/* A VMM's first life. */
static inline void rig_start(void)
{
    if (rig_ram == NULL) {
        rig_ram = aligned_alloc(4096, RAM_BYTES);
    }
    memset(rig_ram, 0, RAM_BYTES);
    memset(rig_vcpus, 0, sizeof(rig_vcpus));
    memset(rig_serial, 0, sizeof(rig_serial));
    memset(rig_blk_req, 0, 16);
    memset(rig_blk_resp, 0, 8);
    for (unsigned n = 0; n < 2; n++) {
        memset(&rig_ports[n].control, 0, sizeof(rig_ports[n].control));
    }
    memset(&vm, 0, sizeof(vm));
    rig_info = (struct blk_storage_info){ .ready = 1, .capacity = DISK_BLOCKS };
    rig_passed_masked = false;
    restart_lives = 1;
    pd_reset();
    rig_configure();
    init();
}
