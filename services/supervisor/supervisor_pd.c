/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The supervisor: the parent of all other PDs. A child that faults is told of in one line and
 * started again as it was at first, with the pc and the stack pointer that it had before it ran;
 * restart.c does the rest. A child that crashes again and again stays stopped: what it meets is in
 * its queues and would not go away.
 *
 * It also switches the machine off, where compose lets the receive virtualiser ask for that: the
 * supervisor has no input from guests, so the right to call the firmware is safest with it.
 *
 * Its priority is above all others', so that at init() no child has run yet.
 */
#include "sdk/libc/format.h"
#include "services/supervisor/clock.h"
#include "services/supervisor/reason.h"

#include <cloister/power.h>
#include <cloister/supervisor_config.h>
#include <microkit.h>
#include <string.h>

#define MAX_STARTS 7u  /* of a child once more, */
#define SECONDS    60u /* in that time */

struct supervisor_config config __attribute__((section(".supervisor_config"), used));

static struct {
    seL4_Word pc, sp; /* before it ran; pc 0: not known */
    unsigned lives;
    unsigned starts; /* of those, since: */
    uint64_t since_s;
    bool stopped; /* for good */
} children[SUPERVISOR_CHILDREN];

enum { START_WORDS = 2 }; /* of seL4_UserContext: pc and sp */

static bool configured(void)
{
    return config.magic == SUPERVISOR_CONFIG_MAGIC && config.num_children <= SUPERVISOR_CHILDREN &&
           config.num_rings <= SUPERVISOR_RINGS;
}

void init(void)
{
    if (!configured()) {
        microkit_dbg_puts("supervisor: .supervisor_config is not filled in\n");
        return;
    }
    for (unsigned child = 0; child < config.num_children; child++) {
        seL4_UserContext regs = { 0 };
        if (seL4_TCB_ReadRegisters(BASE_TCB_CAP + child, seL4_False, 0, START_WORDS, &regs) ==
            seL4_NoError) {
            children[child].pc = regs.pc;
            children[child].sp = regs.sp;
        }
        children[child].lives = 1;
    }
}

void notified(microkit_channel ch)
{
    (void)ch;
}

/* Only the PD that compose has joined by a channel with `pp` can call. */
microkit_msginfo protected(microkit_channel ch, microkit_msginfo msginfo)
{
    seL4_ARM_SMCContext answer = { 0 };
    (void)ch;
    if (microkit_msginfo_get_label(msginfo) == POWER_OFF) {
        microkit_dbg_puts("supervisor: all guests have powered off: the machine goes off\n");
        microkit_arm_smc_call(&(seL4_ARM_SMCContext){ .x0 = PSCI_SYSTEM_OFF }, &answer);
        microkit_dbg_puts("supervisor: the firmware has refused to switch the machine off\n");
    }
    return microkit_msginfo_new(0, 0);
}

/* Resumed with new registers: whatever it was doing is forgotten, its callers are answered. */
static bool start(microkit_child child)
{
    seL4_UserContext regs = { .pc = children[child].pc, .sp = children[child].sp };
    return seL4_TCB_WriteRegisters(BASE_TCB_CAP + child, seL4_True, 0, START_WORDS, &regs) ==
           seL4_NoError;
}

/*
 * A network buffer is in one ring or with one PD, and what a PD had goes with it. So all that have
 * some begin anew, with empty rings, as at the first start; who is stopped writes into none.
 */
static bool start_card(void)
{
    bool good = true;
    for (unsigned child = 0; child < config.num_children; child++) {
        if (config.children[child].of_card) {
            microkit_pd_stop(child);
        }
    }
    for (unsigned i = 0; i < config.num_rings; i++) {
        memset((void *)(uintptr_t)config.rings[i].vaddr, 0, config.rings[i].size_bytes);
    }
    for (unsigned child = 0; child < config.num_children; child++) {
        if (config.children[child].of_card && !children[child].stopped) {
            good &= start(child);
        }
    }
    return good;
}

/* Notes a further life, unless there have been too many of late. */
static bool may_live(microkit_child child)
{
    uint64_t now_s = clock_seconds();
    if (now_s - children[child].since_s >= SECONDS) {
        children[child].since_s = now_s;
        children[child].starts = 0;
    }
    children[child].lives++;
    return children[child].pc != 0 && ++children[child].starts <= MAX_STARTS;
}

static bool start_again(microkit_child child)
{
    children[child].stopped = !may_live(child);
    if (children[child].stopped) {
        return false;
    }
    return config.children[child].of_card ? start_card() : start(child);
}

static void tell(microkit_child child, const char *reason, bool started)
{
    char line[SDDF_NAME_BYTES + REASON_BYTES + 64];
    if (started) {
        format_text(line, sizeof(line), "supervisor: %s has crashed: %s; started again (life %u)\n",
                    config.children[child].name, reason, children[child].lives);
    } else {
        format_text(line, sizeof(line), "supervisor: %s has crashed: %s; it stays stopped\n",
                    config.children[child].name, reason);
    }
    microkit_dbg_puts(line);
}

seL4_Bool fault(microkit_child child, microkit_msginfo msginfo, microkit_msginfo *reply_msginfo)
{
    char reason[REASON_BYTES];
    seL4_Word words[REASON_WORDS];
    (void)reply_msginfo;
    if (child >= config.num_children) {
        return seL4_False;
    }
    for (seL4_Uint8 n = 0; n < REASON_WORDS; n++) {
        words[n] = microkit_mr_get(n);
    }
    reason_text(reason, microkit_msginfo_get_label(msginfo), words);
    tell(child, reason, start_again(child));
    return seL4_False;
}
