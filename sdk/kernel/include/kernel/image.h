/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The contract between bin/microkit and the kernel.
 *
 * The kernel allocates nothing at run time: bin/microkit lays out every object and builds every
 * translation table, and describes the result to the kernel in the structures below. The kernel's
 * ELF file tells the tool what it needs to know of the board and of the kernel (struct
 * kernel_info, symbol "kernel_info"); the tool answers by filling in struct image_info (symbol
 * "image_info" in the kernel's data) and the tables that it points to.
 *
 * Both sides are little endian and LP64, so the structures are the file format.
 */
#pragma once

#include <stdint.h>

#define IMAGE_MAGIC       0x31726574736c6f63ul /* "clostr1" and a version, little endian */
#define IMAGE_NONE        0xffffu              /* no thread */
#define IMAGE_MAX_CHANNEL 62                   /* channel, child and vCPU ids are 0 to 61 */
#define IMAGE_NAME_BYTES  64
#define IMAGE_MAX_PDS     63
#define IMAGE_MAX_VCPUS   64
#define IMAGE_VM_VCPUS    8 /* vCPU ids of one virtual machine are 0 to 7 */

/* Where things lie in a PD's address space (39 bits, T0SZ 25), beside what the system file maps. */
#define IMAGE_USER_BITS              39
#define IMAGE_STACK_TOP_VADDR        0x7fffe00000ul
#define IMAGE_VCPU_FRAME_VADDR(vcpu) (0x7ffff00000ul + 0x1000ul * (vcpu))
#define IMAGE_USER_TOP_VADDR         0x7f00000000ul /* mappings of the system file end here */

/* Translation: 4 KiB granule, three levels (1 to 3) for PDs, guests (39-bit gpa) and the kernel. */
#define IMAGE_T0SZ 25
/* MAIR_EL2 (stage 1): attribute index 0 and 1. */
#define IMAGE_MAIR        0xff00ul
#define IMAGE_ATTR_DEVICE 0 /* Device-nGnRnE */
#define IMAGE_ATTR_NORMAL 1 /* Normal, write-back */

struct image_range {
    uint64_t base_paddr;
    uint64_t size_bytes;
};

/* An interrupt number of the system file that is another INTID for this kernel. */
struct image_irq_alias {
    uint32_t named;
    uint32_t intid;
};

/* Symbol kernel_info of the kernel's ELF file; read by the tool, never changed. */
struct kernel_info {
    uint64_t magic;
    char board[32];
    uint64_t load_paddr;          /* where the image is loaded and entered, at EL2, MMU off */
    uint64_t vaddr_offset;        /* kernel vaddr = paddr + vaddr_offset; the kernel is linked so */
    uint32_t thread_bytes;        /* room that the tool reserves for a thread, a multiple of 64 */
    uint32_t num_irqs;            /* INTIDs 0 to num_irqs - 1 exist */
    struct image_range ram[4];    /* size 0 ends the list */
    struct image_range device[8]; /* the kernel's own devices; Device memory in TTBR1 */
    struct image_range shared_device[2]; /* the same, but a PD may map them too: the debug UART */
    struct image_irq_alias irq_alias[4]; /* {0, 0} ends the list */
    uint32_t reserved_irq[8];            /* INTIDs that no PD may have; 0 ends the list */
    uint64_t min_ram_bytes;              /* RAM that the board is sure to have from ram[0] on */
};

enum image_thread_kind { IMAGE_PD = 1, IMAGE_VCPU = 2 };

enum {
    IMAGE_PASSIVE = 1 << 0, /* PD: gives its scheduling context back after init() */
    IMAGE_SMC = 1 << 1,     /* PD: may call the firmware */
    IMAGE_PTIMER = 1 << 2,  /* PD: owns the EL0 physical timer (has its interrupt) */
};

enum {
    IMAGE_MAY_NOTIFY = 1 << 0,
    IMAGE_MAY_CALL = 1 << 1,
    IMAGE_IRQ = 1 << 2, /* the id is an interrupt; peer is the index into irqs[] */
};

/* One channel id of a PD. flags 0: the id is unused. */
struct image_channel {
    uint8_t flags;
    uint8_t peer_channel; /* the id under which the peer sees this channel */
    uint16_t peer;        /* thread index of the other PD */
};

/* One PD or vCPU. */
struct image_thread {
    char name[IMAGE_NAME_BYTES]; /* zero terminated */
    uint8_t kind;
    uint8_t priority; /* 0 to 254 */
    uint8_t id;       /* child id or vCPU id under the parent */
    uint8_t flags;    /* IMAGE_PASSIVE ... */
    uint16_t parent;  /* thread index of the parent PD (of the VMM for a vCPU), or IMAGE_NONE */
    uint16_t reserved;
    uint32_t budget_us;
    uint32_t period_us;
    uint64_t space;       /* PD: TTBR0_EL2 with its ASID; vCPU: VTTBR_EL2 with its VMID */
    uint64_t entry_vaddr; /* PD: where it starts; vCPU: 0 */
    uint64_t stack_vaddr; /* PD: initial SP; vCPU: 0 */
    uint64_t frame_paddr; /* PD: its IPC buffer; vCPU: its register frame. One 4 KiB page. */
    struct image_channel channel[IMAGE_MAX_CHANNEL];
    uint16_t child[IMAGE_MAX_CHANNEL]; /* child id -> thread index, or IMAGE_NONE */
    uint16_t vcpu[IMAGE_VM_VCPUS];     /* vCPU id -> thread index, or IMAGE_NONE */
};

struct image_irq {
    uint32_t intid;
    uint16_t thread; /* the PD that handles it */
    uint8_t channel;
    uint8_t edge; /* 1: edge triggered, 0: level */
};

/* Symbol "image_info" of the kernel; filled in by the tool. *_vaddr are kernel addresses. */
struct image_info {
    uint64_t magic;
    uint64_t kernel_ttbr1;  /* TTBR1_EL2: kernel window */
    uint64_t boot_ttbr0;    /* TTBR0_EL2 while the MMU is being switched on: 1:1 map of the
                               kernel's text and data */
    uint64_t idle_ttbr0;    /* TTBR0_EL2 that maps nothing */
    uint64_t threads_vaddr; /* struct image_thread[num_threads]; parents before children */
    uint64_t objects_vaddr; /* num_threads * kernel_info.thread_bytes, zeroed, 64-aligned */
    uint64_t irqs_vaddr;    /* struct image_irq[num_irqs] */
    uint64_t zero_vaddr;    /* struct image_range[num_zero]: RAM to clear at boot; 4 KiB
                               aligned, mapped in the kernel window */
    uint32_t num_threads;
    uint32_t num_irqs;
    uint32_t num_zero;
    uint32_t reserved;
};
