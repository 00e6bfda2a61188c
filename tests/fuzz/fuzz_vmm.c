/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as what a guest with two vCPUs and all kinds of devices does to its whole VMM: drivers
 * that come up and go away, requests in flight across resets and reboots, register accesses,
 * firmware calls, faults of any label; beside it what comes from outside, and new lives of the VMM.
 * When all outside is done, nobody is held, and a guest that asks for a reboot, or that the
 * operator starts, boots.
 */
#include "tests/fuzz/input.h"
#include "tests/unit/vmm/core/vmm_rig.h"

#define MAX_STEPS  200
#define DEVICES    5u /* those that speak virtIO */
#define QUEUE_SIZE 16u
#define DATA       (RAM_GPA + 0x20000)

static unsigned vcpu; /* whose turn it is */

static gpa_t device_gpa(unsigned device)
{
    return VIRTIO_GPA + 0x1000 * (gpa_t)device;
}

static void *at(gpa_t gpa)
{
    return rig_ram + (gpa - RAM_GPA);
}

/* An access as the core would report it, by x1; returns what is in x1 then. */
static uint64_t access(gpa_t gpa, unsigned bytes, bool write, uint64_t value)
{
    if (!rig_vcpus[vcpu].runs) {
        return 0;
    }
    rig_vcpus[vcpu].regs.x[1] = value;
    microkit_mr_set(seL4_VMFault_Addr, gpa);
    microkit_mr_set(seL4_VMFault_FSR, 0x93000007u | (unsigned)__builtin_ctz(bytes) << 22 |
                                          1u << 16 | 1u << 15 | (write ? 1u << 6 : 0));
    rig_fault(vcpu, seL4_Fault_VMFault);
    return rig_vcpus[vcpu].regs.x[1];
}

static void reg(unsigned device, uint64_t offset, uint32_t value)
{
    (void)access(device_gpa(device) + offset, 4, true, value);
}

static gpa_t ring(unsigned device, unsigned queue)
{
    return RAM_GPA + 0x1000 + 0x1000 * (gpa_t)(device * 3 + queue);
}

static void place(unsigned device, unsigned queue)
{
    gpa_t base = ring(device, queue);
    memset(at(base), 0, 0x1000);
    reg(device, VIRTIO_MMIO_QUEUE_SEL, queue);
    reg(device, VIRTIO_MMIO_QUEUE_NUM, QUEUE_SIZE);
    reg(device, VIRTIO_MMIO_QUEUE_DESC_LOW, (uint32_t)base);
    reg(device, VIRTIO_MMIO_QUEUE_AVAIL_LOW, (uint32_t)base + 0x400);
    reg(device, VIRTIO_MMIO_QUEUE_USED_LOW, (uint32_t)base + 0x800);
    reg(device, VIRTIO_MMIO_QUEUE_READY, 1);
}

/* A driver that takes all that is offered. */
static void drive(unsigned device)
{
    reg(device, VIRTIO_MMIO_STATUS, 0);
    reg(device, VIRTIO_MMIO_STATUS, 1);
    reg(device, VIRTIO_MMIO_STATUS, 3);
    for (uint32_t word = 0; word < 2; word++) {
        reg(device, VIRTIO_MMIO_DEVICE_FEATURES_SEL, word);
        reg(device, VIRTIO_MMIO_DRIVER_FEATURES_SEL, word);
        reg(device, VIRTIO_MMIO_DRIVER_FEATURES,
            (uint32_t)access(device_gpa(device) + VIRTIO_MMIO_DEVICE_FEATURES, 4, false, 0));
    }
    reg(device, VIRTIO_MMIO_STATUS, 11);
    for (unsigned queue = 0; queue < 3; queue++) {
        place(device, queue);
    }
    reg(device, VIRTIO_MMIO_STATUS, 15);
}

/* Three buffers behind each other; a block request's header, or a packet's, in the first. */
static void offer(struct input *in)
{
    uint8_t where = (uint8_t)take(in, 1), how = (uint8_t)take(in, 1);
    unsigned device = where % DEVICES, queue = where / 4 % 3, head = where / 16 % 5 * 3;
    struct vring_desc *desc = at(ring(device, queue));
    struct vring_avail *avail = at(ring(device, queue) + 0x400);
    bool receives = device == 4 || (device != 1 && queue == 0);
    gpa_t data = DATA + 0x1000 * (gpa_t)(take(in, 1) % 24);
    uint32_t header[11] = { how % 16, 0, (uint32_t)take(in, 1), 0 };
    if (device == 3) {
        memcpy(header,
               &(struct virtio_vsock_hdr){ .src_cid = 3,
                                           .dst_cid = how / 16,
                                           .len = (uint32_t)take(in, 1),
                                           .type = 1,
                                           .op = how % 8 },
               sizeof(header));
    }
    memcpy(at(data), header, sizeof(header));
    uint16_t write = receives ? VRING_DESC_F_WRITE : 0, next = VRING_DESC_F_NEXT;
    uint16_t in_data = device == 1 && how % 2 == 0 ? VRING_DESC_F_WRITE : write;
    desc[head] = (struct vring_desc){ data,
                                      device == 1   ? 16
                                      : device == 3 ? 44
                                                    : 12,
                                      write | next, (uint16_t)(head + 1) };
    desc[head + 1] =
        (struct vring_desc){ data + (how & 0x40 ? 0x1000 : 0x200), how & 0x80 ? 4096 : 512,
                             in_data | next, (uint16_t)(head + 2) };
    desc[head + 2] =
        (struct vring_desc){ data + 0x100, 1, device == 1 ? VRING_DESC_F_WRITE : write, 0 };
    avail->ring[avail->idx % QUEUE_SIZE] = (uint16_t)head;
    avail->idx++;
    if (!(how & 0x20)) {
        reg(device, VIRTIO_MMIO_QUEUE_NOTIFY, queue);
    }
}

static void any_access(struct input *in)
{
    static const gpa_t pages[] = { GICD_GPA,   PL011_GPA,           VIRTIO_GPA,
                                   VIRTIO_GPA, VIRTIO_GPA + 0x1000, VIRTIO_GPA + 0x2000,
                                   RAM_GPA,    VIRTIO_GPA + 0x3000 };
    uint8_t how = (uint8_t)take(in, 1);
    gpa_t gpa = pages[how % 8] + take(in, 2) % 0x1000;
    unsigned bytes = 1u << how / 8 % 4;
    (void)access(gpa, bytes, how & 0x80, take(in, bytes));
}

static void firmware_call(struct input *in)
{
    uint8_t how = (uint8_t)take(in, 1);
    uint64_t *x = rig_vcpus[vcpu].regs.x;
    if (!rig_vcpus[vcpu].runs) {
        return;
    }
    x[0] = 0x84000000u | (how & 0x10 ? 0x40000000 : 0) | how % 11;
    x[1] = how / 32 % 4;
    x[2] = RAM_GPA + take(in, 1) * 4;
    microkit_mr_set(seL4_VCPUFault_HSR, 0x17ul << 26 | 1u << 25);
    rig_fault(vcpu, seL4_Fault_VCPUFault);
}

static void any_fault(struct input *in)
{
    if (!rig_vcpus[vcpu].runs) {
        return;
    }
    seL4_Word label = take(in, 1);
    if (label == seL4_Fault_VGICMaintenance || label == seL4_Fault_VPPIEvent) {
        return; /* the kernel's, and true */
    }
    for (seL4_Uint8 i = 0; i < 4; i++) {
        microkit_mr_set(i, take(in, i % 2 ? 4 : 8));
    }
    rig_fault(vcpu, label);
}

/* What the kernel tells of a vCPU's interrupts. */
static void interrupt(uint8_t how)
{
    struct rig_vcpu *v = &rig_vcpus[vcpu];
    unsigned index = how % VGIC_LIST_REGISTERS;
    if (!v->runs) {
        return;
    }
    if (how & 0x80 && v->lr[index]) {
        v->lr[index] = false;
        microkit_mr_set(seL4_VGICMaintenance_IDX, index);
        rig_fault(vcpu, seL4_Fault_VGICMaintenance);
    } else if (!v->timer_masked) {
        v->timer_masked = true;
        microkit_mr_set(seL4_VPPIEvent_IRQ, TIMER_INTID);
        rig_fault(vcpu, seL4_Fault_VPPIEvent);
    }
}

static void outside(struct input *in)
{
    uint8_t how = (uint8_t)take(in, 1);
    uint8_t text[64] = "typed";
    struct serial_producer rx = serial_queue_connect_producer(&serial_config.rx);
    struct serial_consumer tx = serial_queue_connect_consumer(&serial_config.tx);
    switch (how % 8) {
    case SERIAL_RX:
        (void)serial_queue_enqueue(&rx, text, how / 8);
        if (how & 0x80) {
            guest_ask_start(&rx);
        }
        break;
    case SERIAL_TX:
        (void)serial_queue_dequeue(&tx, text, how / 4);
        break;
    case BLOCK:
        rig_serve_disk(how / 64, how & 0x20 ? BLK_RESP_ERR_IO : BLK_RESP_OK);
        break;
    case NET:
    case VSOCK:
        rig_switch_works(how % 8 - NET, how / 8 * 4u);
        break;
    case PASSED:
        if (pd_acked[PASSED] == 0) {
            return;
        }
        pd_acked[PASSED] = 0;
        break;
    default:
        break;
    }
    notified(how % 8);
}

/* The supervisor starts the VMM anew. */
static void new_life(void)
{
    memset(&vm, 0, sizeof(vm));
    for (unsigned v = 0; v < VCPUS; v++) {
        rig_vcpus[v].timer_masked = false;
    }
    restart_lives++;
    init();
}

static void step(struct input *in)
{
    uint8_t what = (uint8_t)take(in, 1);
    uint64_t value;
    vcpu = what / 128;
    switch (what % 16) {
    case 0:
    case 1:
        drive(what / 16 % DEVICES);
        break;
    case 2:
    case 3:
        any_access(in);
        break;
    case 4:
        firmware_call(in);
        break;
    case 5:
        any_fault(in);
        break;
    case 6:
        interrupt((uint8_t)take(in, 1));
        break;
    case 7:
        value = take(in, 8);
        memcpy(rig_ram + take(in, 3) % (RAM_BYTES - 8), &value, 8);
        break;
    case 8:
    case 9:
    case 10:
        outside(in);
        break;
    case 11:
        if (what == 0xfb) {
            new_life();
        }
        break;
    default:
        offer(in);
    }
}

/* All outside does what it is asked to, until nothing is left to do. */
static void settle(void)
{
    char text[64];
    struct serial_consumer tx = serial_queue_connect_consumer(&serial_config.tx);
    for (unsigned i = 0; i < 64; i++) {
        (void)serial_queue_dequeue(&tx, text, sizeof(text));
        notified(SERIAL_TX);
        rig_serve_disk(64, BLK_RESP_OK);
        for (unsigned n = 0; n < 2; n++) {
            rig_switch_works(n, 0);
            notified(NET + n);
        }
    }
    assert_int_equal(vm.held, 0);
    assert_true(vm.state == VM_RUNNING || vm.state == VM_STOPPED);
}

static void expect_reboot(void)
{
    for (vcpu = 0; vcpu < VCPUS && !rig_vcpus[vcpu].runs;) {
        vcpu++;
    }
    if (vm.state != VM_RUNNING || vcpu == VCPUS) {
        return;
    }
    rig_vcpus[vcpu].regs.x[0] = 0x84000009;
    microkit_mr_set(seL4_VCPUFault_HSR, 0x17ul << 26 | 1u << 25);
    rig_fault(vcpu, seL4_Fault_VCPUFault);
    settle();
    assert_int_equal(vm.state, VM_RUNNING);
    assert_true(rig_vcpus[0].runs && !rig_vcpus[1].runs);
    assert_int_equal(rig_vcpus[0].regs.pc, RAM_GPA);
    vcpu = 0;
    for (unsigned device = 0; device < DEVICES; device++) {
        assert_int_equal(access(device_gpa(device) + VIRTIO_MMIO_STATUS, 4, false, 0), 0);
        drive(device);
        assert_int_equal(access(device_gpa(device) + VIRTIO_MMIO_STATUS, 4, false, 0), 15);
    }
}

/* Whatever has stopped the guest, the operator's keys start it. */
static void expect_start(void)
{
    struct serial_producer rx = serial_queue_connect_producer(&serial_config.rx);
    guest_ask_start(&rx);
    notified(SERIAL_RX);
    settle();
    assert_int_equal(vm.state, VM_RUNNING);
    assert_false(guest_start_pending(&rx));
    assert_int_equal(guest_state_of(&rx), GUEST_RUNS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = { data, size };
    rig_start();
    for (unsigned i = 0; i < MAX_STEPS && in.left > 0; i++) {
        step(&in);
    }
    settle();
    expect_start();
    expect_reboot();
    return 0;
}
