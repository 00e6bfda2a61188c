/* SPDX-License-Identifier: BSD-2-Clause */
/* PSCI and SMCCC: every function, in both widths, with right and wrong arguments (S1, S2). */
#include "vmm/arch/aarch64/psci.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define RAM  0x40000000ul
#define HIGH 0xffffffff00000000ul
#define NONE PSCI_NO_RETURN

static uint8_t memory[4096];
static const struct guest_ram ram = { memory, RAM, sizeof(memory) };
static struct psci psci;
static char calls[64];
static uint64_t entry, context_id;

static void note(const char *what, unsigned vcpu)
{
    size_t used = strlen(calls);
    calls[used] = what[0];
    calls[used + 1] = (char)('0' + vcpu);
}

static void on(void *context, unsigned vcpu, gpa_t pc, uint64_t x0)
{
    assert_ptr_equal(context, calls);
    note("+", vcpu);
    entry = pc;
    context_id = x0;
}

static void off(void *context, unsigned vcpu)
{
    (void)context;
    note("-", vcpu);
}

static void system_off(void *context)
{
    (void)context;
    note("O", 0);
}

static void system_reset(void *context)
{
    (void)context;
    note("R", 0);
}

static const struct psci_ops ops = { on, off, system_off, system_reset };

static int setup(void **state)
{
    (void)state;
    memset(calls, 0, sizeof(calls));
    psci_init(&psci, &ops, calls, &ram, 2);
    return 0;
}

static int64_t call(uint64_t function, uint64_t x1, uint64_t x2, uint64_t x3)
{
    const uint64_t x[4] = { function, x1, x2, x3 };
    return psci_call(&psci, 0, x);
}

/* Calls by vCPU 0, with vCPU 0 on and vCPU 1 off; the effect is what `calls` holds after it. */
static void every_function(void **state)
{
    static const struct {
        uint64_t x[4];
        int64_t result;
        const char *effect;
    } rows[] = {
        { { 0x84000000 }, 0x10001, "" },         /* PSCI_VERSION: 1.1 */
        { { HIGH | 0x84000000 }, 0x10001, "" },  /* the id is in w0 */
        { { 0xc4000000 }, -1, "" },              /* no 64-bit variant */
        { { 0x84000001, 0 }, 0, "" },            /* CPU_SUSPEND, standby */
        { { 0xc4000001, 0x0000ffff }, 0, "" },   /* any state id */
        { { 0xc4000001, 0x03000000 }, 0, "" },   /* any power level */
        { { 0x84000001, 0x04000000 }, -2, "" },  /* reserved bits */
        { { 0x84000001, 0x00020000 }, -2, "" },  /* reserved bits */
        { { 0xc4000001, 0x10000, RAM }, 0, "" }, /* power down */
        { { 0xc4000001, 0x10000, RAM + 2 }, -9, "" },
        { { 0xc4000001, 0x10000, 0 }, -9, "" },
        { { 0x84000002 }, NONE, "-0" }, /* CPU_OFF */
        { { 0xc4000002 }, -1, "" },
        { { 0x84000003, 1, RAM, 7 }, 0, "+1" }, /* CPU_ON */
        { { 0xc4000003, 1, RAM + 4092, 7 }, 0, "+1" },
        { { 0x84000003, HIGH | 1, HIGH | RAM, 7 }, 0, "+1" }, /* 32 bits count */
        { { 0xc4000003, HIGH | 1, RAM }, -2, "" },
        { { 0xc4000003, 1, HIGH | RAM }, -9, "" },
        { { 0xc4000003, 0, RAM }, -4, "" },          /* ALREADY_ON */
        { { 0xc4000003, 2, RAM }, -2, "" },          /* no such vCPU */
        { { 0xc4000003, 0x80000001, RAM }, -2, "" }, /* MPIDR's RES1 bit is no affinity */
        { { 0xc4000003, 0x100, RAM }, -2, "" },      /* Aff1 */
        { { 0xc4000003, 1ul << 32, RAM }, -2, "" },  /* Aff3 */
        { { 0xc4000003, UINT64_MAX, RAM }, -2, "" },
        { { 0xc4000003, 1, RAM + 1 }, -9, "" },
        { { 0xc4000003, 1, RAM + 4096 }, -9, "" },
        { { 0xc4000003, 1, RAM - 4 }, -9, "" },
        { { 0xc4000003, 1, UINT64_MAX - 3 }, -9, "" },
        { { 0x84000004, 0, 0 }, 0, "" }, /* AFFINITY_INFO: on */
        { { 0xc4000004, 1, 0 }, 1, "" }, /* off */
        { { 0xc4000004, 2, 0 }, -2, "" },
        { { 0xc4000004, 0, 1 }, -2, "" },
        { { 0xc4000004, 0, HIGH }, 0, "" },    /* the level is 32 bits in both */
        { { 0x84000005 }, -1, "" },            /* MIGRATE */
        { { 0x84000006 }, 2, "" },             /* MIGRATE_INFO_TYPE: not needed */
        { { 0x84000007 }, -1, "" },            /* MIGRATE_INFO_UP_CPU */
        { { 0x84000008 }, NONE, "O0" },        /* SYSTEM_OFF */
        { { 0x84000009 }, NONE, "R0" },        /* SYSTEM_RESET */
        { { 0x8400000a, 0x84000003 }, 0, "" }, /* PSCI_FEATURES */
        { { 0x8400000a, 0xc4000003 }, 0, "" },
        { { 0x8400000a, 0x84000001 }, 0, "" }, /* original format, no OS-initiated mode */
        { { 0x8400000a, 0xc4000008 }, -1, "" },
        { { 0x8400000a, 0x8400000a }, 0, "" },
        { { 0x8400000a, 0x80000000 }, 0, "" }, /* there is an SMCCC_VERSION */
        { { 0x8400000a, 0x80000001 }, -1, "" },
        { { 0x8400000a, 0x84000012 }, -1, "" }, /* SYSTEM_RESET2 */
        { { 0x8400000a, 0 }, -1, "" },
        { { 0x80000000 }, 0x10001, "" },       /* SMCCC_VERSION: 1.1 */
        { { 0x80000001, 0x80000001 }, 0, "" }, /* SMCCC_ARCH_FEATURES */
        { { 0x80000001, 0x80000000 }, 0, "" },
        { { 0x80000001, 0x80008000 }, -1, "" }, /* WORKAROUND_1 */
        { { 0x80000001, 0x84000003 }, -1, "" }, /* not of the architecture's */
        { { 0 }, -1, "" },
        { { 0x84000012 }, -1, "" },
        { { 0x8600ff01 }, -1, "" }, /* vendor hypervisor UID */
        { { 0xffffffff }, -1, "" },
        { { UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX }, -1, "" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        setup(state);
        int64_t result = psci_call(&psci, 0, rows[i].x);
        if (result != rows[i].result || strcmp(calls, rows[i].effect) != 0) {
            fail_msg("row %zu (%lx): %ld, \"%s\"", i, rows[i].x[0], result, calls);
        }
    }
}

static void on_and_off(void **state)
{
    const uint64_t cpu_off[4] = { 0x84000002 };
    (void)state;
    assert_int_equal(call(0xc4000003, 1, RAM + 0x80, 0x123456789), 0);
    assert_int_equal(entry, RAM + 0x80);
    assert_int_equal(context_id, 0x123456789);
    assert_int_equal(call(0xc4000003, 1, RAM, 0), -4);
    assert_int_equal(call(0xc4000004, 1, 0, 0), 0);
    assert_int_equal(psci_call(&psci, 1, cpu_off), PSCI_NO_RETURN);
    assert_int_equal(call(0xc4000004, 1, 0, 0), 1);
    assert_int_equal(call(0x84000003, 1, RAM, 0x123456789), 0);
    assert_int_equal(context_id, 0x23456789); /* w3 */
    assert_string_equal(calls, "+1-1+1");
}

static uint64_t next_random(void)
{
    static uint64_t random = 88172645463325252ul;
    random ^= random << 13;
    random ^= random >> 7;
    random ^= random << 17;
    return random;
}

/* Every second call has a PSCI function's number, vCPU and entry point nearly right. */
static void make_registers(uint64_t x[4])
{
    for (unsigned n = 0; n < 4; n++) {
        x[n] = next_random();
    }
    if (next_random() % 2 == 0) {
        x[0] = (x[0] & 0x4000000f) | 0x84000000;
        x[1] &= 3;
        x[2] = RAM + (x[2] & 0x1fff);
    }
}

/* Checks the result of a call that had no effect. */
static void check_plain_result(uint32_t id, int64_t result)
{
    static const int64_t results[] = { 0, 1, 2, 0x10001, -1, -2, -4, -9 };
    bool is_known = false;
    for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++) {
        is_known |= result == results[i];
    }
    assert_true(is_known);
    if ((id & 0xbffffff0) != 0x84000000 && id >> 4 != 0x8000000) {
        assert_int_equal(result, -1); /* no function has such a number */
    }
}

/* Checks an effect against its call, and carries it out in `on`. */
static void check_effect(const uint64_t x[4], unsigned caller, int64_t result, bool on[2])
{
    uint64_t mask = (x[0] & 0x40000000) != 0 ? UINT64_MAX : UINT32_MAX;
    unsigned vcpu = (unsigned)calls[1] - '0';
    switch (calls[0]) {
    case '+':
        assert_int_equal(x[0] & 0xbfffffff, 0x84000003);
        assert_int_equal(result, 0);
        assert_int_equal(vcpu, x[1] & mask);
        assert_false(on[vcpu]);
        assert_int_equal(entry, x[2] & mask);
        assert_true(entry % 4 == 0 && entry >= RAM && entry < RAM + sizeof(memory));
        assert_int_equal(context_id, x[3] & mask);
        on[vcpu] = true;
        break;
    case '-':
        assert_int_equal((uint32_t)x[0], 0x84000002);
        assert_int_equal(result, PSCI_NO_RETURN);
        assert_int_equal(vcpu, caller);
        on[vcpu] = false;
        break;
    default:
        assert_int_equal((uint32_t)x[0], calls[0] == 'O' ? 0x84000008 : 0x84000009);
        assert_int_equal(result, PSCI_NO_RETURN);
    }
}

/* Whatever the registers hold: one effect that the call asks for, or a result that PSCI knows. */
static void any_registers(void **state)
{
    bool on[2] = { true, false };
    unsigned num_effects[128] = { 0 };
    (void)state;
    for (unsigned i = 0; i < 200000; i++) {
        uint64_t x[4];
        unsigned caller = on[i % 2] ? i % 2 : 1 - i % 2;
        make_registers(x);
        if (!on[0] && !on[1]) {
            setup(state);
            on[0] = true;
            caller = 0;
        }
        memset(calls, 0, sizeof(calls));
        int64_t result = psci_call(&psci, caller, x);
        if (calls[0] == 0) {
            check_plain_result((uint32_t)x[0], result);
        } else {
            assert_int_equal(strlen(calls), 2);
            num_effects[(uint8_t)calls[0]]++;
            check_effect(x, caller, result, on);
        }
        assert_memory_equal(psci.on, on, sizeof(on));
    }
    for (const char *effect = "+-OR"; *effect != 0; effect++) {
        assert_true(num_effects[(uint8_t)*effect] > 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(every_function, setup),
        cmocka_unit_test_setup(on_and_off, setup),
        cmocka_unit_test_setup(any_registers, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
