/* SPDX-License-Identifier: BSD-2-Clause */
/* ESR_EL2 of a guest's fault, decoded (Arm ARM, D17.2.37, "ESR_EL1/EL2"). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum esr_class {
    ESR_UNKNOWN = 0x00,
    ESR_WFX = 0x01,
    ESR_HVC64 = 0x16,
    ESR_SMC64 = 0x17,
    ESR_SYSREG = 0x18,
    ESR_INST_ABORT_LOWER = 0x20, /* taken from a lower exception level; +1: from the same one */
    ESR_DATA_ABORT_LOWER = 0x24,
};

#define ESR_CLASS_SHIFT 26
#define ESR_IL          (1u << 25) /* the instruction was 32 bits long */
#define ESR_ISV         (1u << 24) /* SAS, SSE, SRT, SF are valid */
#define ESR_SSE         (1u << 21)
#define ESR_SF          (1u << 15)
#define ESR_FNV         (1u << 10) /* FAR is not valid; external aborts only */
#define ESR_CM          (1u << 8)  /* a cache maintenance instruction */
#define ESR_WNR         (1u << 6)
#define ESR_FSC         0x3fu
#define FSC_EXTERNAL    0x10u /* synchronous external abort, not on a table walk */

static inline enum esr_class esr_class(uint64_t esr)
{
    return (enum esr_class)(esr >> ESR_CLASS_SHIFT & 0x3f);
}

static inline bool esr_is_data_abort(uint64_t esr)
{
    return (esr_class(esr) & ~1u) == ESR_DATA_ABORT_LOWER;
}

static inline bool esr_is_inst_abort(uint64_t esr)
{
    return (esr_class(esr) & ~1u) == ESR_INST_ABORT_LOWER;
}

/* A load or store as a data abort's syndrome describes it. */
struct esr_access {
    bool valid; /* false: the syndrome does not say; the rest means nothing then */
    bool write;
    bool sign_extend; /* a load's value, to 32 bits or, if `wide`, to 64 */
    bool wide;
    unsigned bytes; /* 1, 2, 4 or 8 */
    unsigned reg;   /* 0 to 31; 31 is xzr */
};

static inline struct esr_access esr_access(uint64_t esr)
{
    return (struct esr_access){
        .valid = esr_is_data_abort(esr) && (esr & ESR_ISV) != 0,
        .write = (esr & ESR_WNR) != 0,
        .sign_extend = (esr & ESR_SSE) != 0,
        .wide = (esr & ESR_SF) != 0,
        .bytes = 1u << (esr >> 22 & 3),
        .reg = esr >> 16 & 31,
    };
}

/* The low `bytes` bytes of a value. */
static inline uint64_t esr_truncate(uint64_t value, unsigned bytes)
{
    return bytes >= 8 ? value : value & ((1ul << 8 * bytes) - 1);
}

/* What a load that got `value` leaves in its 64-bit register. */
static inline uint64_t esr_loaded(const struct esr_access *access, uint64_t value)
{
    value = esr_truncate(value, access->bytes);
    if (access->sign_extend) {
        unsigned unused = 64 - 8 * access->bytes;
        value = (uint64_t)((int64_t)(value << unused) >> unused);
    }
    return access->wide ? value : (uint32_t)value;
}

#define ESR_TEXT_BYTES 96

/* Writes the syndrome in words, such as "data abort, translation fault at level 2, write". */
void esr_text(char text[ESR_TEXT_BYTES], uint64_t esr);
