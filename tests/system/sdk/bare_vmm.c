/* SPDX-License-Identifier: BSD-2-Clause */
/* The smallest VMM: it runs the guest of bare_guests.S that its name tells and judges what it sees.
 */
#include "tests/system/sdk/fp_pattern.h"
#include "tests/system/sdk/test_pd.h"

#define VCPU        0
#define GUEST_RAM   0x40000000ul
#define EC(hsr)     ((hsr) >> 26 & 0x3f)
#define EC_SMC      0x17
#define EC_SYSREG   0x18
#define CALL_DONE   0
#define EL1         (1ul << 2)
#define SPSR_SS     (1ul << 21)
#define VTIMER      27
#define TIMER_TICKS 30

extern const char guest_code[], guest_code_end[];
extern const char guest_debug[], guest_level[], guest_registers[], guest_disr[];
extern const char guest_wfi[], guest_again[], guest_timer[];

seL4_Word ram_vaddr PATCHED = 0;

static seL4_Word seed; /* the guest's x0 at its start */
static unsigned traps, ticks, ended, wrong;

static struct microkit_vcpu_frame *frame(void)
{
    return MICROKIT_VCPU_FRAME(VCPU);
}

/* What the guest runs was data until now (Arm ARM B2.4.4). */
static void clean_caches(void)
{
    for (seL4_Word at = 0; at < (seL4_Word)(guest_code_end - guest_code); at += 16) {
        __asm__ volatile("dc cvac, %0" ::"r"(ram_vaddr + at) : "memory");
    }
    __asm__ volatile("dsb sy\n\tic ivau, %0\n\tdsb sy\n\tisb" ::"r"(ram_vaddr) : "memory");
}

static void start(const char *guest, seL4_Word x0)
{
    seed = x0;
    frame()->x[0] = x0;
    microkit_vcpu_restart(VCPU, GUEST_RAM + (seL4_Word)(guest - guest_code));
}

void init(void)
{
    for (seL4_Word at = 0; at < (seL4_Word)(guest_code_end - guest_code); at++) {
        ((volatile char *)ram_vaddr)[at] = guest_code[at];
    }
    clean_caches();
    fp_fill(0);
    if (is_named("debug")) {
        start(guest_debug, 0);
    } else if (is_named("level")) {
        start(guest_level, 0);
    } else if (is_named("registers_a")) {
        start(guest_registers, 0x11110000);
    } else if (is_named("registers_b")) {
        start(guest_registers, 0x22220000);
    } else if (is_named("disr_a")) {
        start(guest_disr, 0x111);
    } else if (is_named("disr_b")) {
        start(guest_disr, 0x222);
    } else if (is_named("wfi")) {
        start(guest_wfi, 0);
    } else if (is_named("timer_a")) {
        start(guest_timer, 3);
    } else if (is_named("timer_b")) {
        start(guest_timer, 5);
    }
}

/* ---- What the guests ask -----------------------------------------------------------------------
 */

static void expect(bool good, const char *what)
{
    if (!good) {
        say(what);
        wrong++;
    }
}

/* Each spsr but the last few is that of a level or a width that a guest must not have. */
static void try_next_level(void)
{
    static const seL4_Word spsrs[] = {
        0x3c9,
        0x3c8,
        0x3cd,
        0x3cc,
        0x3c6,
        0x3c7,
        0x3ca,
        0x3c1,
        0x1d3,
        0x1da,
        0x1df,
        0x1d6,
        UINT64_MAX,
        0x11,
        1,
        1ul << 32 | 0x3c9,
        0x3c4,
        0x3c5 | 1ul << 20,
        0x3c5 | SPSR_SS,
    };
    static unsigned next;
    expect(frame()->x[1] == EL1, "the guest is not at EL1");
    if (next == sizeof spsrs / sizeof *spsrs) {
        microkit_vcpu_stop(VCPU);
        say_number("guest at a wrong level:", wrong);
        return;
    }
    frame()->spsr = spsrs[next++];
}

/* Every general register as the guest has left it, and the VMM's FP registers as the VMM has. */
static void check_registers(void)
{
    static seL4_Word own_seed;
    for (unsigned n = 0; n < 31; n++) {
        expect(frame()->x[n] == seed + n, "wrong xN in the frame");
    }
    expect(frame()->sp_el0 == seed + 1 && frame()->tpidr_el0 == seed &&
               frame()->tpidrro_el0 == seed + 2,
           "wrong sp_el0 or tpidr in the frame");
    expect(fp_wrong(own_seed) == 0, "wrong FP registers of the VMM");
    own_seed += 0x777;
    fp_fill(own_seed);
}

static unsigned wfi_calls;
static bool unanswered;

static void wfi_call(seL4_Word number)
{
    wfi_calls++;
    expect(number != 4, "the vCPU has not been stopped");
    if (number == 2) {
        say_number("woken by interrupt", frame()->x[1]);
        say_number("ended interrupts:", ended);
    } else if (number == 3) {
        microkit_vcpu_stop(VCPU);
    } else if (number == 5) {
        say("started again");
        unanswered = true;
    } else if (number == 6) {
        expect(frame()->x[1] == 0x77, "wrong registers after the wait");
        say("resumed");
    }
}

static void timer_call(seL4_Word number)
{
    expect(number != 1 || ticks == 1, "no tick");
    expect(number != 2 || ticks == 1, "a tick while masked");
    expect(number != 3 || ticks == 2, "no tick after the acknowledgement");
    expect(number != 4 || ticks == 2, "a tick while masked, at the end");
    if (number == 2 || number == 4 || number == 5) {
        microkit_vcpu_arm_ack_vppi(VCPU, VTIMER);
    }
}

static void done(void)
{
    microkit_vcpu_stop(VCPU);
    if (is_named("debug")) {
        say_number("trapped accesses:", traps);
    } else if (is_named("timer_a") || is_named("timer_b")) {
        expect(ticks == TIMER_TICKS + 2, "wrong number of ticks");
        say_number("ticks:", ticks);
    } else {
        say_number("wrong rounds of the guest:", frame()->x[1]);
    }
    say_number("wrong:", wrong);
}

static void guest_call(seL4_Word number)
{
    if (number == CALL_DONE) {
        done();
    } else if (is_named("level")) {
        try_next_level();
    } else if (is_named("wfi")) {
        wfi_call(number);
    } else if (is_named("timer_a") || is_named("timer_b")) {
        timer_call(number);
    } else {
        check_registers();
    }
}

static bool vcpu_fault(seL4_Word hsr)
{
    frame()->pc += 4;
    if (EC(hsr) == EC_SMC) {
        guest_call(frame()->x[0]);
    } else if (EC(hsr) == EC_SYSREG) {
        traps++;
        frame()->spsr |= SPSR_SS; /* which the kernel must not let through */
    } else {
        say_number("unexpected trap, class", EC(hsr));
        return false;
    }
    return !unanswered;
}

seL4_Bool fault(microkit_child child, microkit_msginfo msginfo, microkit_msginfo *reply)
{
    (void)child;
    *reply = microkit_msginfo_new(0, 0);
    switch (microkit_msginfo_get_label(msginfo)) {
    case seL4_Fault_VCPUFault:
        return vcpu_fault(microkit_mr_get(seL4_VCPUFault_HSR));
    case seL4_Fault_VPPIEvent:
        ticks++;
        return seL4_True;
    case seL4_Fault_VGICMaintenance:
        ended += microkit_mr_get(seL4_VGICMaintenance_IDX) == 1;
        return seL4_True;
    default:
        say_number("unexpected fault", microkit_msginfo_get_label(msginfo));
        return seL4_False;
    }
}

/* wfi: notifier.c below the guest runs only while that waits, or is stopped. */
void notified(microkit_channel ch)
{
    if (wfi_calls == 1) {
        say("the guest waits");
        microkit_vcpu_arm_inject_irq(VCPU, 40, 0, 0, 1);
    } else if (wfi_calls == 3) {
        say("the guest is stopped");
        start(guest_again, 0);
    } else if (unanswered) { /* as vcpu_resume() of the VMM does */
        seL4_UserContext unused = { 0 };
        say("the guest has no answer");
        unanswered = false;
        seL4_TCB_WriteRegisters(BASE_VM_TCB_CAP + VCPU, true, 0, 0, &unused);
    }
    microkit_notify(ch);
}
