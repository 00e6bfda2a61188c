/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What lies where for a guest. The addresses are those of QEMU's virt board, which every tool that
 * looks at a guest knows; nothing else depends on them, since the device tree and the record tell
 * both sides.
 */
#pragma once

#define GUEST_GICD_GPA     0x08000000ul /* emulated */
#define GUEST_GICD_BYTES   0x1000ul
#define GUEST_GICC_GPA     0x08010000ul /* the GIC's virtual CPU interface, mapped */
#define GUEST_GICC_BYTES   0x2000ul
#define GUEST_PL011_GPA    0x09000000ul
#define GUEST_PL011_BYTES  0x1000ul
#define GUEST_PL011_INTID  33u
#define GUEST_VIRTIO_GPA   0x0a000000ul /* one page a device */
#define GUEST_VIRTIO_BYTES 0x1000ul
#define GUEST_VIRTIO_INTID 48u /* of the first, level triggered */
#define GUEST_RAM_GPA      0x40000000ul
