/* SPDX-License-Identifier: BSD-2-Clause */
/* Restarts its child at each fault until the child has nothing more to try, and then stops it. */
#include <microkit.h>

#define CHILD       7
#define CHILD_ENTRY 0x200000
#define FAULTS      3

static unsigned faults;

void init(void)
{
}

void notified(microkit_channel ch)
{
    microkit_dbg_puts("parent: notified by the child\n");
    seL4_UserContext regs;
    if (seL4_TCB_ReadRegisters(BASE_TCB_CAP + CHILD, seL4_False, 0, 36, &regs) == seL4_NoError &&
        regs.pc >= CHILD_ENTRY) {
        microkit_dbg_puts("parent: child's registers read\n");
    }
    microkit_pd_stop(CHILD);
    microkit_notify(ch);
    microkit_dbg_puts("parent: child stopped\n");
}

seL4_Bool fault(microkit_child child, microkit_msginfo msginfo, microkit_msginfo *reply_msginfo)
{
    (void)reply_msginfo;
    faults++;
    microkit_dbg_puts("parent: fault of child ");
    microkit_dbg_put32(child);
    microkit_dbg_puts(microkit_msginfo_get_label(msginfo) == seL4_Fault_VMFault ? " (VM fault) at "
                                                                                : " (other) at ");
    microkit_dbg_put32((seL4_Uint32)microkit_mr_get(seL4_VMFault_Addr));
    microkit_dbg_puts("\n");
    if (faults <= FAULTS) {
        microkit_pd_restart(child, CHILD_ENTRY);
    }
    return seL4_False;
}
