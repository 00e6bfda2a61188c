/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The part of seL4's interface that PDs and VMMs of the Microkit use directly: message infos,
 * message registers, faults, and the registers of children and vCPUs.
 */
#pragma once

#include <stdint.h>

typedef uint64_t seL4_Word;
typedef uint64_t seL4_CPtr;
typedef uint8_t seL4_Bool;
typedef uint8_t seL4_Uint8;
typedef uint16_t seL4_Uint16;
typedef uint32_t seL4_Uint32;
typedef uint64_t seL4_Uint64;
typedef seL4_Word seL4_Error;

#define seL4_True            1
#define seL4_False           0

#define seL4_MsgMaxLength    120
#define seL4_NoError         0
#define seL4_InvalidArgument 1
#define seL4_RangeError      4

typedef struct seL4_MessageInfo {
    seL4_Word words[1];
} seL4_MessageInfo_t;

/* Words of a message: label in bits 63 to 12, length in bits 6 to 0. */
static inline seL4_MessageInfo_t seL4_MessageInfo_new(seL4_Word label, seL4_Word caps_unwrapped,
                                                      seL4_Word extra_caps, seL4_Word length)
{
    (void)caps_unwrapped;
    (void)extra_caps;
    return (seL4_MessageInfo_t){ { label << 12 | (length & 0x7f) } };
}

static inline seL4_Word seL4_MessageInfo_get_label(seL4_MessageInfo_t info)
{
    return info.words[0] >> 12;
}

static inline seL4_Word seL4_MessageInfo_get_length(seL4_MessageInfo_t info)
{
    return info.words[0] & 0x7f;
}

/* One page, mapped by bin/microkit behind the program's data; also the kernel's to read. */
typedef struct seL4_IPCBuffer {
    seL4_MessageInfo_t tag;
    seL4_Word msg[seL4_MsgMaxLength];
} seL4_IPCBuffer;

extern seL4_IPCBuffer __sel4_ipc_buffer_obj;

static inline seL4_Word seL4_GetMR(int index)
{
    return __sel4_ipc_buffer_obj.msg[index];
}

static inline void seL4_SetMR(int index, seL4_Word value)
{
    __sel4_ipc_buffer_obj.msg[index] = value;
}

typedef enum seL4_Fault_tag {
    seL4_Fault_NullFault = 0,
    seL4_Fault_CapFault = 1,
    seL4_Fault_UnknownSyscall = 2,
    seL4_Fault_UserException = 3,
    seL4_Fault_VMFault = 6,
    seL4_Fault_VGICMaintenance = 7,
    seL4_Fault_VCPUFault = 8,
    seL4_Fault_VPPIEvent = 9,
} seL4_Fault_tag_t;

enum { seL4_UnknownSyscall_FaultIP = 8, seL4_UnknownSyscall_Syscall = 12 };
enum {
    seL4_UserException_FaultIP,
    seL4_UserException_SP,
    seL4_UserException_SPSR,
    seL4_UserException_Number,
    seL4_UserException_Code
};
enum { seL4_VMFault_IP, seL4_VMFault_Addr, seL4_VMFault_PrefetchFault, seL4_VMFault_FSR };
enum { seL4_VGICMaintenance_IDX };
enum { seL4_VCPUFault_HSR };
enum { seL4_VPPIEvent_IRQ };

enum {
    seL4_VCPUReg_SCTLR = 0,
    seL4_VCPUReg_CPACR = 1,
    seL4_VCPUReg_TTBR0 = 2,
    seL4_VCPUReg_TTBR1 = 3,
    seL4_VCPUReg_TCR = 4,
    seL4_VCPUReg_MAIR = 5,
    seL4_VCPUReg_AMAIR = 6,
    seL4_VCPUReg_CIDR = 7,
    seL4_VCPUReg_ACTLR = 8,
    seL4_VCPUReg_AFSR0 = 9,
    seL4_VCPUReg_AFSR1 = 10,
    seL4_VCPUReg_ESR = 11,
    seL4_VCPUReg_FAR = 12,
    seL4_VCPUReg_PAR = 13,
    seL4_VCPUReg_VBAR = 14,
    seL4_VCPUReg_TPIDR_EL1 = 15,
    seL4_VCPUReg_VMPIDR_EL2 = 16,
    seL4_VCPUReg_SP_EL1 = 17,
    seL4_VCPUReg_ELR_EL1 = 18,
    seL4_VCPUReg_SPSR_EL1 = 19,
    seL4_VCPUReg_CNTV_CTL = 20,
    seL4_VCPUReg_CNTV_CVAL = 21,
    seL4_VCPUReg_CNTVOFF = 22,
    seL4_VCPUReg_CNTKCTL_EL1 = 23,
    seL4_VCPUReg_Num = 24,
};

typedef struct seL4_UserContext_ {
    seL4_Word pc, sp, spsr, x0, x1, x2, x3, x4, x5, x6, x7, x8, x16, x17, x18, x29, x30;
    seL4_Word x9, x10, x11, x12, x13, x14, x15, x19, x20, x21, x22, x23, x24, x25, x26, x27, x28;
    seL4_Word tpidr_el0, tpidrro_el0;
} seL4_UserContext;

/*
 * Reads the first `count` words of a stopped or faulted child's or vCPU's registers. Returns
 * seL4_NoError, or an error where `tcb` is no child of the caller or count is over 36.
 */
seL4_Error seL4_TCB_ReadRegisters(seL4_CPtr tcb, seL4_Bool suspend_source, seL4_Uint8 arch_flags,
                                  seL4_Word count, seL4_UserContext *regs);

/* Writes the first `count` words; with resume_target the thread becomes ready. */
seL4_Error seL4_TCB_WriteRegisters(seL4_CPtr tcb, seL4_Bool resume_target, seL4_Uint8 arch_flags,
                                   seL4_Word count, seL4_UserContext *regs);
