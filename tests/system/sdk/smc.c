/* SPDX-License-Identifier: BSD-2-Clause */
/* Asks the firmware for the version of PSCI (DEN 0022, 5.1.1), and for a function that is not. */
#include "tests/system/sdk/test_pd.h"

#define PSCI_VERSION  0x84000000ul
#define NO_FUNCTION   0x8400ff00ul
#define NOT_SUPPORTED 0xfffffffful

void init(void)
{
    seL4_ARM_SMCContext answer = { .x0 = 0x1234 };
    microkit_arm_smc_call(&(seL4_ARM_SMCContext){ .x0 = PSCI_VERSION }, &answer);
    if (is_named("may_not")) {
        say(answer.x0 == PSCI_VERSION ? "refused" : "was let through");
        return;
    }
    say_number("PSCI version", answer.x0 >> 16);
    microkit_arm_smc_call(&(seL4_ARM_SMCContext){ .x0 = NO_FUNCTION }, &answer);
    say((answer.x0 & NOT_SUPPORTED) == NOT_SUPPORTED ? "no such function" : "another answer");
}

void notified(microkit_channel ch)
{
    (void)ch;
}
