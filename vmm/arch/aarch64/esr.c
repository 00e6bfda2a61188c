/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmm/arch/aarch64/esr.h"

#include "sdk/libc/format.h"

static const char *const class_text[64] = {
    [0x00] = "unknown or undefined instruction",
    [0x01] = "trapped WFI or WFE",
    [0x03] = "trapped MCR or MRC (cp15)",
    [0x04] = "trapped MCRR or MRRC (cp15)",
    [0x05] = "trapped MCR or MRC (cp14)",
    [0x07] = "trapped SIMD or floating point",
    [0x0e] = "illegal execution state",
    [0x11] = "SVC (AArch32)",
    [0x12] = "HVC (AArch32)",
    [0x13] = "SMC (AArch32)",
    [0x15] = "SVC",
    [0x16] = "HVC",
    [0x17] = "SMC",
    [0x18] = "trapped system register",
    [0x19] = "trapped SVE",
    [0x20] = "instruction abort",
    [0x21] = "instruction abort",
    [0x22] = "misaligned pc",
    [0x24] = "data abort",
    [0x25] = "data abort",
    [0x26] = "misaligned sp",
    [0x2f] = "SError",
    [0x30] = "breakpoint",
    [0x32] = "single step",
    [0x34] = "watchpoint",
    [0x3c] = "BRK",
};

/* By FSC bits 5 to 2; bits 1 and 0 are the level of the table walk. */
static const char *const fault_text[4] = {
    "address size fault",
    "translation fault",
    "access flag fault",
    "permission fault",
};

static void fault_status_text(char *text, size_t size, unsigned fsc)
{
    if (fsc < 16) {
        format_text(text, size, "%s at level %u", fault_text[fsc >> 2], fsc & 3);
    } else if (fsc == FSC_EXTERNAL) {
        format_text(text, size, "external abort");
    } else if (fsc == 0x21) {
        format_text(text, size, "alignment fault");
    } else {
        format_text(text, size, "fault status 0x%x", fsc);
    }
}

void esr_text(char text[ESR_TEXT_BYTES], uint64_t esr)
{
    const char *class = class_text[esr_class(esr)];
    char status[48];
    if (class == NULL) {
        format_text(text, ESR_TEXT_BYTES, "exception class 0x%x", (unsigned)esr_class(esr));
        return;
    }
    if (!esr_is_data_abort(esr) && !esr_is_inst_abort(esr)) {
        format_text(text, ESR_TEXT_BYTES, "%s", class);
        return;
    }
    fault_status_text(status, sizeof(status), esr & ESR_FSC);
    const char *access = !esr_is_data_abort(esr) ? "" : (esr & ESR_WNR) != 0 ? ", write" : ", read";
    format_text(text, ESR_TEXT_BYTES, "%s, %s%s", class, status, access);
}
