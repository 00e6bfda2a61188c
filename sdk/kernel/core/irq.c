/* SPDX-License-Identifier: BSD-2-Clause */
#include "sdk/kernel/core/board.h"
#include "sdk/kernel/core/ipc.h"
#include "sdk/kernel/core/kernel.h"
#include "sdk/kernel/core/sched.h"
#include "sdk/kernel/core/timer.h"
#include "sdk/kernel/core/vcpu.h"
#include "sdk/kernel/gic/gic.h"

static uint16_t irq_slot[BOARD_NUM_IRQS]; /* INTID -> 1 + index into the image's table, or 0 */

static const struct image_irq *irq_table(void)
{
    return (const struct image_irq *)image_info.irqs_vaddr;
}

void irq_init(void)
{
    gic_init();
    for (unsigned i = 0; i < image_info.num_irqs; i++) {
        const struct image_irq *irq = &irq_table()[i];
        irq_slot[irq->intid] = (uint16_t)(i + 1);
        if (irq->intid >= 32) {
            gic_set_edge(irq->intid, irq->edge != 0);
        }
    }
    gic_enable(INTID_KERNEL_TIMER);
    gic_enable(INTID_MAINTENANCE);
    /* As Microkit does from 2.3 on: a PD need not acknowledge before the first interrupt. */
    for (unsigned i = 0; i < image_info.num_irqs; i++) {
        gic_enable(irq_table()[i].intid);
    }
}

static void irq_to_pd(uint32_t intid)
{
    if (intid >= BOARD_NUM_IRQS || irq_slot[intid] == 0) {
        return;
    }
    const struct image_irq *irq = &irq_table()[irq_slot[intid] - 1];
    gic_disable(intid); /* until IRQ_ACK */
    ipc_notify(thread_at(irq->thread), irq->channel);
}

void irq_handle(struct cpu *cpu)
{
    uint32_t acknowledged = gic_acknowledge();
    uint32_t intid = acknowledged & 0x3ff;
    switch (intid) {
    case INTID_KERNEL_TIMER:
        timer_fired(cpu);
        sched_wake_sleepers(cpu, arch_now());
        break;
    case INTID_VTIMER:
        vcpu_vtimer_fired(cpu);
        break;
    case INTID_MAINTENANCE:
        vcpu_maintenance(cpu);
        break;
    default:
        if (intid >= GIC_SPURIOUS) {
            return;
        }
        irq_to_pd(intid);
    }
    gic_end(acknowledged);
}
