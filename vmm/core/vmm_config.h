/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a guest has: the record (section ".vmm_config") that compose writes for each guest and the
 * one VMM program reads. Trusted, since it comes from the build; the images that it points to are
 * checked when they are loaded, since users bring their own.
 */
#pragma once

#include <sddf/config.h>
#include <stdint.h>

#define VMM_CONFIG_MAGIC   0x3730666e6f636d76ul /* "vmconf07", little endian */
#define VMM_MAX_DEVICES    16
#define VMM_MAX_VCPUS      4
#define VMM_NAME_BYTES     64
#define VMM_BLOCK_ID_BYTES 20
#define VMM_MAX_NETS       4
#define VMM_MAX_SERVED     8 /* clients of a guest that serves its disk */
#define VMM_MAX_IRQS       16
#define VMM_SEED_BYTES     32 /* of /chosen/rng-seed */
#define VMM_MAX_PASSED     8

/* Something that lies in the VMM's address space. */
struct vmm_image {
    uint64_t vaddr;
    uint64_t size_bytes; /* 0: none */
};

enum vmm_device_type {
    VMM_DEVICE_PL011 = 1,          /* emulated, output only, for earlycon */
    VMM_DEVICE_VIRTIO_CONSOLE = 2, /* virtIO 1.2, 5.3 */
    VMM_DEVICE_VIRTIO_BLOCK = 3,   /* virtIO 1.2, 5.2; needs vmm_config.block */
    VMM_DEVICE_VIRTIO_NET = 4,     /* virtIO 1.2, 5.1; the n-th of them has vmm_config.nets[n] */
    VMM_DEVICE_VIRTIO_VSOCK = 5,   /* virtIO 1.2, 5.10; needs vmm_config.vsock */
    VMM_DEVICE_SERVED_DISK = 6,    /* cloister/uio_blk.h; the n-th has vmm_config.served[n] */
    VMM_DEVICE_VIRTIO_RNG = 7,     /* virtIO 1.2, 5.4; needs vmm_config.entropy */
};

struct vmm_device {
    uint32_t type;  /* enum vmm_device_type */
    uint32_t intid; /* its SPI as a GIC INTID (32 to 1019), 0: none */
    uint64_t gpa;   /* its registers; a multiple of 4096 */
    uint64_t size_bytes;
    uint16_t columns; /* VIRTIO_CONSOLE: window size, 0: not told to the guest */
    uint16_t rows;
};

/*
 * The guest's disk, beside the record ".blk_client_config". That one's `data` is a data region as
 * the block server (the virtualiser) knows it: one stretch of memory, {io_addr, size}, in which a
 * request's io_or_offset counts. It holds the bounce area, for requests that are not aligned to
 * 4096 bytes, and, where the server may reach it, the guest's RAM. Two kinds:
 *
 * - With guest_ram: offset 0 is the first byte of guest RAM, and bounce_offset is ram_bytes.
 * compose makes two memory regions with consecutive phys_addr, RAM and then bounce area; the VMM
 * maps both (where it likes), the guest's virtual machine only the first, the server is told their
 * sum. RAM must begin at a multiple of 4096, as guest physical address and in the VMM.
 * - Without: the data region is the bounce area alone and bounce_offset is 0. All data is copied.
 *
 * 256 KiB suffice beside guest RAM; without it, what is in flight at once has to fit: 1 MiB or more
 * is right, more than 4 MiB is not used.
 *
 * The queues: num_buffers 256 lets the device use all that it can. Channel: the client record's,
 * both ways. All four regions (storage_info, req, resp, bounce) are mapped rw and cached.
 */
struct vmm_block {
    uint64_t bounce_vaddr;
    uint64_t bounce_bytes;       /* a multiple of 4096, at least 4096 */
    uint64_t bounce_offset;      /* in the data region */
    char id[VMM_BLOCK_ID_BYTES]; /* what GET_ID tells, such as "guest0-disk"; zero padded */
    uint8_t guest_ram;           /* bool: the data region begins with guest RAM */
    uint8_t read_only;           /* bool; the server may say so as well */
    uint8_t discard;             /* bool: may be offered to the guest, if the server has it */
    uint8_t write_zeroes;        /* bool, likewise */
};

/* A network card: its port on the switch of its network. */
struct vmm_net {
    uint64_t port_vaddr; /* a struct port (cloister/port.h), mapped rw and cached */
    uint16_t mtu;        /* 68 or more: most bytes of a packet behind the link's header */
    uint8_t channel;     /* the switch's, both ways */
    uint8_t mac[6];      /* of one station: the lowest bit of mac[0] is 0 */
};

/* The guest's sockets: its port on the switch for vsock. */
struct vmm_vsock {
    uint64_t port_vaddr; /* a struct port, mapped rw and cached */
    uint32_t cid;        /* 3 or more, but not 0xffffffff; no other guest has it */
    uint8_t channel;     /* the switch's, both ways */
    uint8_t num_peers;   /* guests that its sockets may reach: each has its share of connections */
};

/* The guest's share of the entropy driver (cloister/entropy.h). */
struct vmm_entropy {
    uint8_t channel;      /* by which the VMM may call it */
    uint32_t seed_offset; /* in the device tree: of the value of /chosen/rng-seed */
};

/*
 * A client of the disk that the guest serves (cloister/uio_blk.h). The device's gpa is that of the
 * registers; the guest's virtual machine also has rings and data, mapped as its device tree says.
 */
struct vmm_served_disk {
    struct sddf_blk_connection conn; /* to the client's VMM: our end is the server's */
    uint64_t rings_vaddr;            /* mapped rw and uncached, zeroed at the start */
    uint64_t rings_gpa;
    uint64_t data_vaddr; /* the client's data region, mapped rw and cached; never guest RAM */
    uint64_t data_bytes; /* a multiple of 4096 */
    uint64_t data_gpa;
    uint32_t partition; /* from 0, or UIO_BLK_WHOLE_DISK */
    uint8_t read_only;  /* bool */
    char client[VMM_NAME_BYTES];
};

/* An interrupt of a device that is passed through. The guest has it under the same INTID. */
struct vmm_irq {
    uint32_t intid;  /* an SPI, of no emulated device */
    uint8_t channel; /* by which it comes and is acknowledged */
};

struct vmm_config {
    uint64_t magic;
    char guest[VMM_NAME_BYTES]; /* the guest's name, zero terminated */
    uint64_t ram_gpa;           /* guest RAM: one region */
    uint64_t ram_vaddr;         /* where the VMM sees it */
    uint64_t ram_bytes;
    struct vmm_image kernel; /* an arm64 Image */
    struct vmm_image initrd;
    struct vmm_image dtb;
    /* Where compose placed them, in RAM, without overlap. kernel_gpa is the base of the Image, a
     * multiple of 2 MiB: the VMM loads the Image at the text_offset of its header from there. */
    uint64_t kernel_gpa;
    uint64_t initrd_gpa; /* also in the device tree's /chosen */
    uint64_t dtb_gpa;
    uint64_t gicd_gpa; /* the emulated distributor, 4 KiB; the CPU interface is mapped */
    uint32_t num_vcpus;
    uint32_t num_devices;
    struct vmm_device devices[VMM_MAX_DEVICES];
    struct vmm_block block; /* of the VMM_DEVICE_VIRTIO_BLOCK, if there is one */
    struct vmm_net nets[VMM_MAX_NETS];
    struct vmm_vsock vsock;     /* of the VMM_DEVICE_VIRTIO_VSOCK, if there is one */
    struct vmm_entropy entropy; /* of the VMM_DEVICE_VIRTIO_RNG, if there is one */
    struct vmm_served_disk served[VMM_MAX_SERVED];
    uint8_t timer_channel; /* to the timer driver; only of a guest that serves */
    uint8_t awaits_disk;   /* bool: the guest starts when the server of its disk is ready */
    struct vmm_irq irqs[VMM_MAX_IRQS];
    uint32_t num_irqs;
    uint32_t num_passed; /* virtio-mmio devices that are passed through: they stop with the guest */
    uint64_t passed_vaddr[VMM_MAX_PASSED]; /* registers, mapped rw and not cached */
};
