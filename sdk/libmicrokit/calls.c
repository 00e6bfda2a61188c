/* SPDX-License-Identifier: BSD-2-Clause */
#include "sdk/libmicrokit/syscall_stubs.h"

#include <microkit.h>
#include <string.h>

/* What a PD does wrong with a channel or a child is its own mistake: said, and nothing else done.
 */
static void check(seL4_Word error, const char *what)
{
    if (error != SYS_OK) {
        microkit_dbg_puts(microkit_name);
        microkit_dbg_puts(": ");
        microkit_dbg_puts(what);
        microkit_dbg_puts(" refused: no such channel or child, or a value out of range\n");
    }
}

void microkit_dbg_putc(int c)
{
    const char text[2] = { (char)c, '\0' };
    microkit_dbg_puts(text);
}

/* A line of usual length goes out in one piece, whoever else prints. */
void microkit_dbg_puts(const char *s)
{
    char *text = (char *)&__sel4_ipc_buffer_obj + DEBUG_TEXT_OFFSET;
    while (*s != '\0') {
        seL4_Word bytes = 0;
        while (bytes < DEBUG_TEXT_BYTES && s[bytes] != '\0') {
            text[bytes] = s[bytes];
            bytes++;
        }
        syscall(SYSCALL_DEBUG_PUTS, bytes, 0, 0, 0, 0);
        s += bytes;
    }
}

static void put_digits(seL4_Uint32 value)
{
    char digits[11];
    unsigned at = sizeof(digits) - 1;
    digits[at] = '\0';
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    microkit_dbg_puts(&digits[at]);
}

void microkit_dbg_put8(seL4_Uint8 value)
{
    put_digits(value);
}

void microkit_dbg_put32(seL4_Uint32 value)
{
    put_digits(value);
}

void microkit_notify(microkit_channel ch)
{
    check(syscall(SYSCALL_NOTIFY, ch, 0, 0, 0, 0).x0, "microkit_notify");
}

void microkit_irq_ack(microkit_channel ch)
{
    check(syscall(SYSCALL_IRQ_ACK, ch, 0, 0, 0, 0).x0, "microkit_irq_ack");
}

static void defer(microkit_channel ch, seL4_Bool is_irq)
{
    if (microkit_have_signal) {
        check(SYS_BUSY, "a second deferred signal");
        return;
    }
    microkit_have_signal = seL4_True;
    microkit_signal_channel = ch;
    microkit_signal_is_irq = is_irq;
}

void microkit_deferred_notify(microkit_channel ch)
{
    defer(ch, seL4_False);
}

void microkit_deferred_irq_ack(microkit_channel ch)
{
    defer(ch, seL4_True);
}

microkit_msginfo microkit_ppcall(microkit_channel ch, microkit_msginfo msginfo)
{
    struct syscall_result got = syscall(SYSCALL_CALL, ch, msginfo.words[0], 0, 0, 0);
    check(got.x0, "microkit_ppcall");
    return (microkit_msginfo){ { got.x0 == SYS_OK ? got.x1 : 0 } };
}

void microkit_pd_stop(microkit_child pd)
{
    check(syscall(SYSCALL_PD_STOP, pd, 0, 0, 0, 0).x0, "microkit_pd_stop");
}

void microkit_pd_restart(microkit_child pd, seL4_Word entry_point)
{
    check(syscall(SYSCALL_PD_RESTART, pd, entry_point, 0, 0, 0).x0, "microkit_pd_restart");
}

void microkit_vcpu_restart(microkit_child vcpu, seL4_Word entry_point)
{
    check(syscall(SYSCALL_VCPU_RESTART, vcpu, entry_point, 0, 0, 0).x0, "microkit_vcpu_restart");
}

void microkit_vcpu_stop(microkit_child vcpu)
{
    check(syscall(SYSCALL_VCPU_STOP, vcpu, 0, 0, 0, 0).x0, "microkit_vcpu_stop");
}

void microkit_vcpu_arm_inject_irq(microkit_child vcpu, seL4_Uint16 irq, seL4_Uint8 priority,
                                  seL4_Uint8 group, seL4_Uint8 index)
{
    check(syscall(SYSCALL_VCPU_INJECT, vcpu, irq, priority, group, index).x0,
          "microkit_vcpu_arm_inject_irq");
}

void microkit_vcpu_arm_ack_vppi(microkit_child vcpu, seL4_Word irq)
{
    check(syscall(SYSCALL_VCPU_ACK_VPPI, vcpu, irq, 0, 0, 0).x0, "microkit_vcpu_arm_ack_vppi");
}

seL4_Word microkit_vcpu_arm_read_reg(microkit_child vcpu, seL4_Word reg)
{
    struct syscall_result got = syscall(SYSCALL_VCPU_READ_REG, vcpu, reg, 0, 0, 0);
    check(got.x0, "microkit_vcpu_arm_read_reg");
    return got.x0 == SYS_OK ? got.x1 : 0;
}

void microkit_vcpu_arm_write_reg(microkit_child vcpu, seL4_Word reg, seL4_Word value)
{
    check(syscall(SYSCALL_VCPU_WRITE_REG, vcpu, reg, value, 0, 0).x0,
          "microkit_vcpu_arm_write_reg");
}

void microkit_arm_smc_call(seL4_ARM_SMCContext *args, seL4_ARM_SMCContext *response)
{
    seL4_Word *words = __sel4_ipc_buffer_obj.msg;
    *(seL4_ARM_SMCContext *)words = *args;
    check(syscall(SYSCALL_SMC, 0, 0, 0, 0, 0).x0, "microkit_arm_smc_call");
    *response = *(seL4_ARM_SMCContext *)words;
}

bool microkit_thread_counts(seL4_Word index, char name[MICROKIT_PD_NAME_LENGTH],
                            seL4_Word counts[MICROKIT_THREAD_COUNTS])
{
    const seL4_Word *words = __sel4_ipc_buffer_obj.msg;
    bool found = syscall(SYSCALL_THREAD_COUNTS, index, 0, 0, 0, 0).x0 == SYS_OK;
    memcpy(name, words, MICROKIT_PD_NAME_LENGTH);
    memcpy(counts, words + MICROKIT_PD_NAME_LENGTH / sizeof(*words),
           MICROKIT_THREAD_COUNTS * sizeof(*words));
    return found;
}

seL4_Error seL4_TCB_ReadRegisters(seL4_CPtr tcb, seL4_Bool suspend_source, seL4_Uint8 arch_flags,
                                  seL4_Word count, seL4_UserContext *regs)
{
    (void)suspend_source;
    (void)arch_flags;
    seL4_Error error = syscall(SYSCALL_TCB_READ, tcb, count, 0, 0, 0).x0;
    for (seL4_Word n = 0; error == seL4_NoError && n < count; n++) {
        ((seL4_Word *)regs)[n] = __sel4_ipc_buffer_obj.msg[n];
    }
    return error;
}

seL4_Error seL4_TCB_WriteRegisters(seL4_CPtr tcb, seL4_Bool resume_target, seL4_Uint8 arch_flags,
                                   seL4_Word count, seL4_UserContext *regs)
{
    (void)arch_flags;
    for (seL4_Word n = 0; n < count && n < TCB_WORDS; n++) {
        __sel4_ipc_buffer_obj.msg[n] = ((seL4_Word *)regs)[n];
    }
    return syscall(SYSCALL_TCB_WRITE, tcb, count, resume_target, 0, 0).x0;
}
