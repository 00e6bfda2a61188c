/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls adder.c with 64 words, each with its own value, and checks every word of the answer. */
#include <microkit.h>

#define ADDER  0
#define WORDS  64
#define ROUNDS 100

static bool answer_is_right(seL4_Word round, microkit_msginfo answer)
{
    if (microkit_msginfo_get_label(answer) != round + 1 ||
        microkit_msginfo_get_count(answer) != WORDS) {
        return false;
    }
    for (seL4_Uint8 n = 0; n < WORDS; n++) {
        if (microkit_mr_get(n) != round * 1000 + n + 7) {
            return false;
        }
    }
    return true;
}

void init(void)
{
    for (seL4_Word round = 0; round < ROUNDS; round++) {
        for (seL4_Uint8 n = 0; n < WORDS; n++) {
            microkit_mr_set(n, round * 1000 + n);
        }
        microkit_msginfo answer = microkit_ppcall(ADDER, microkit_msginfo_new(round, WORDS));
        if (!answer_is_right(round, answer)) {
            microkit_dbg_puts("caller: wrong answer\n");
            return;
        }
    }
    microkit_dbg_puts(microkit_name);
    microkit_dbg_puts(": 100 calls with 64 words answered\n");
}

void notified(microkit_channel ch)
{
    (void)ch;
}
