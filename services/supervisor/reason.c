/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/supervisor/reason.h"

#include "sdk/libc/format.h"

/* seL4's labels. */
enum { UNKNOWN_SYSCALL = 2, USER_EXCEPTION = 3, VM_FAULT = 6 };

#define ESR_WNR (1ul << 6) /* of a data abort: it was a write (Arm ARM D17.2.37) */

static const char *access_of(const uint64_t *words)
{
    return words[2] != 0 ? "instruction fetch" : (words[3] & ESR_WNR) != 0 ? "write" : "read";
}

void reason_text(char text[REASON_BYTES], uint64_t label, const uint64_t *words)
{
    switch (label) {
    case VM_FAULT:
        format_text(text, REASON_BYTES, "%s of 0x%lx at pc 0x%lx", access_of(words), words[1],
                    words[0]);
        break;
    case USER_EXCEPTION:
        format_text(text, REASON_BYTES, "exception, syndrome 0x%lx, at pc 0x%lx", words[3],
                    words[0]);
        break;
    case UNKNOWN_SYSCALL:
        format_text(text, REASON_BYTES, "unknown system call %ld at pc 0x%lx", words[12], words[8]);
        break;
    default:
        format_text(text, REASON_BYTES, "fault of kind %lu", label);
        break;
    }
}
