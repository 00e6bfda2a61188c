/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a guest has: the record (section ".vmm_config") that compose writes for each guest and the
 * one VMM program reads. Trusted, since it comes from the build; the images that it points to are
 * checked when they are loaded, since users bring their own.
 */
#pragma once

#include <stdint.h>

#define VMM_CONFIG_MAGIC 0x3130666e6f636d76ul /* "vmconf01", little endian */
#define VMM_MAX_DEVICES  16
#define VMM_MAX_VCPUS    4
#define VMM_NAME_BYTES   64

/* Something that lies in the VMM's address space. */
struct vmm_image {
    uint64_t vaddr;
    uint64_t size_bytes; /* 0: none */
};

enum vmm_device_type {
    VMM_DEVICE_PL011 = 1,          /* emulated, output only, for earlycon */
    VMM_DEVICE_VIRTIO_CONSOLE = 2, /* virtIO 1.2, 5.3 */
};

struct vmm_device {
    uint32_t type;  /* enum vmm_device_type */
    uint32_t intid; /* its SPI as a GIC INTID (32 to 1019), 0: none */
    uint64_t gpa;   /* its registers; a multiple of 4096 */
    uint64_t size_bytes;
    uint16_t columns; /* VIRTIO_CONSOLE: window size, 0: not told to the guest */
    uint16_t rows;
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
    uint64_t kernel_gpa; /* where compose placed them, in RAM, without overlap */
    uint64_t initrd_gpa; /* also in the device tree's /chosen */
    uint64_t dtb_gpa;
    uint64_t gicd_gpa; /* the emulated distributor, 4 KiB; the CPU interface is mapped */
    uint32_t num_vcpus;
    uint32_t num_devices;
    struct vmm_device devices[VMM_MAX_DEVICES];
};
