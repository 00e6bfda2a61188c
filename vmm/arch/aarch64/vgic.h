/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest's interrupt controller: a GICv2 distributor (ARM IHI 0048B, chapters 3 and 4) for one
 * to four vCPUs. The CPU interface is the hardware's virtual one (GICV), which the guest reaches
 * without a trap; interrupts get there through four list registers for each vCPU.
 *
 * The contract below lets us write a list register and tells us when the guest has ended the
 * interrupt in it (maintenance), no more: nobody can look into one or take an interrupt out of it
 * again. So the model remembers what each one holds and uses it anew only after its maintenance.
 * What follows from that, and is a race that a guest must live with on hardware too:
 *   - an interrupt that is disabled, cleared (ICPENDR, ICACTIVER), moved or given another priority
 *     while it is in a list register is still delivered once, as it was;
 *   - whether it is pending or active there is unknown: ISPENDR and ISACTIVER both read as one;
 *   - a second edge between the two is delivered separately instead of being merged.
 *
 * No hardware and no allocation in here: host tests drive it with a fake CPU interface.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define VGIC_MAX_VCPUS      4
#define VGIC_LIST_REGISTERS 4
#define VGIC_BANK_INTIDS    32
#define VGIC_MAX_BANKS      32
#define VGIC_NUM_SGIS       16
#define VGIC_FIRST_SPI      32
#define VGIC_LAST_SPI       1019
#define VGIC_SIZE_BYTES     0x1000

/* What the model asks of the kernel. */
struct vgic_ops {
    /* Writes list register `index` of a vCPU: priority 0 to 31 (5 bits), group 0 or 1. */
    void (*inject)(unsigned vcpu, unsigned intid, unsigned priority, unsigned group,
                   unsigned index);
    /* Lets an interrupt that the kernel holds back after it fired fire again: a vCPU's PPI (the
     * virtual timer), or the SPI of a device that is passed through, of whichever vCPU. */
    void (*ack)(unsigned vcpu, unsigned intid);
};

/* The state of 32 interrupts, one bit each. */
struct vgic_bank {
    uint32_t group;
    uint32_t enabled;
    uint32_t latched; /* pending by an edge, by ISPENDR, or an SGI */
    uint32_t line;    /* the input is high */
    uint32_t edge;    /* edge triggered; otherwise a high line is pending */
    uint32_t active;  /* by ISACTIVER only: what the guest took is in `listed` */
    uint32_t listed;  /* in a list register */
    uint32_t held;    /* fired outside and awaits ack() */
    uint32_t target[VGIC_MAX_VCPUS];
    uint8_t priority[VGIC_BANK_INTIDS];
};

struct vgic_list_register {
    bool used;
    uint8_t source; /* of an SGI: the vCPU that sent it */
    uint16_t intid;
};

struct vgic_cpu {
    bool online;                        /* takes interrupts */
    struct vgic_bank bank;              /* SGIs (0 to 15) and PPIs (16 to 31), banked */
    uint8_t sgi_sources[VGIC_NUM_SGIS]; /* pending SGIs: bit n: sent by vCPU n */
    struct vgic_list_register list[VGIC_LIST_REGISTERS];
};

struct vgic {
    const struct vgic_ops *ops;
    unsigned num_vcpus;
    unsigned num_banks; /* with the banked one */
    unsigned accessor;  /* the vCPU whose access vgic_read() or vgic_write() emulates */
    uint32_t ctlr;
    struct vgic_cpu cpu[VGIC_MAX_VCPUS];
    struct vgic_bank shared[VGIC_MAX_BANKS - 1];
};

/* Makes a distributor in its reset state, for 1 to 4 vCPUs and INTIDs up to last_intid (<= 1019) */
void vgic_init(struct vgic *vgic, const struct vgic_ops *ops, unsigned num_vcpus,
               unsigned last_intid);

/*
 * Back to the reset state, for a guest's reboot: all vCPUs are offline and held interrupts
 * released. Device lines keep their level. Every vCPU must be stopped, with its timer off.
 */
void vgic_reset(struct vgic *vgic);

/* From now on the vCPU takes interrupts; its list registers are empty. */
void vgic_cpu_on(struct vgic *vgic, unsigned vcpu);

/*
 * The vCPU takes no more interrupts, and what its list registers hold is never delivered from
 * there. Those interrupts become pending again, for another vCPU or for its next start.
 */
void vgic_cpu_off(struct vgic *vgic, unsigned vcpu);

/* Sets an SPI's input line; the `set` of struct irq_line. Other INTIDs are ignored. */
void vgic_set_line(void *vgic, uint32_t intid, bool level);

/*
 * An interrupt from outside, which the kernel masks until ack(): a VPPIEvent of the vCPU (16 to
 * 31), or an SPI of a device that is passed through, for which `vcpu` is 0. It is acknowledged once
 * the guest has ended the interrupt, or has cleared it by ICPENDR, and not before: acknowledged
 * while the guest has it disabled, a line that is high would fire again for ever. An edge that
 * comes meanwhile stays pending in the machine's GIC and fires after ack(). Others are ignored.
 */
void vgic_fired(struct vgic *vgic, unsigned vcpu, uint64_t intid);

/* The guest has ended the interrupt of this list register. Any other index is ignored. */
void vgic_maintenance(struct vgic *vgic, unsigned vcpu, uint64_t index);

/*
 * The distributor's registers (4.3), for struct mmio_region; set `accessor` before. Word access
 * for all, byte and halfword access where 4.1.4 has it; everything else is RAZ/WI.
 */
uint64_t vgic_read(void *vgic, uint64_t offset, unsigned bytes);
void vgic_write(void *vgic, uint64_t offset, unsigned bytes, uint64_t value);

/* Between vgic.c and vgic_dist.c: fills free list registers; clears a PPI or SPI's latch. */
void vgic_deliver(struct vgic *vgic);
void vgic_clear_pending(struct vgic *vgic, unsigned bank_index, uint32_t bits);
void vgic_send_sgi(struct vgic *vgic, unsigned from, uint32_t targets, unsigned sgi);
