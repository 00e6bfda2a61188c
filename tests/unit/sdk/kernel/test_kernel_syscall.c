/* SPDX-License-Identifier: BSD-2-Clause */
/* Each system call with each argument that can be wrong. */
#include "tests/unit/sdk/kernel/kernel_rig.h"

#include "sdk/kernel/core/kernel.h"

#include <string.h>

#define T(index)         thread_at(index)
#define NUM_OF(array)    (sizeof(array) / sizeof((array)[0]))
#define ERROR_OF(thread) ((thread)->frame->x[0])

enum { CALLER, CHILD, VCPU };

/* PD 0 runs. Channel 3: notify only, 4: call only, 5: interrupt 50. Child 7; vCPU 2. */
static int boot(void **state)
{
    rig_setup(state);
    rig_pd(CALLER, "caller", 200);
    rig_pd(CHILD, "child", 100);
    rig_vcpu(VCPU, "vcpu", 90, CALLER, 2);
    rig_channel(CALLER, 3, IMAGE_MAY_NOTIFY, CHILD, 1, 0);
    rig_channel(CALLER, 4, IMAGE_MAY_CALL, CHILD, 2, 0);
    rig_child(CALLER, 7, CHILD);
    rig_irqs[0] = (struct image_irq){ .intid = 50, .thread = CALLER, .channel = 5 };
    assert_ptr_equal(rig_boot(3, 1), T(CALLER));
    return 0;
}

/* A refused call leaves an error, and everything else as it was. */
static void wrong_arguments_are_refused(void **state)
{
    static const struct {
        enum syscall_number number;
        uint64_t args[5];
        uint64_t error;
    } rows[] = {
        { SYSCALL_DEBUG_PUTS, { DEBUG_TEXT_BYTES + 1 }, SYS_RANGE },
        { SYSCALL_DEBUG_PUTS, { UINT64_MAX }, SYS_RANGE },
        { SYSCALL_NOTIFY, { 4 }, SYS_INVALID_SLOT },
        { SYSCALL_NOTIFY, { 5 }, SYS_INVALID_SLOT },
        { SYSCALL_NOTIFY, { 6 }, SYS_INVALID_SLOT },
        { SYSCALL_NOTIFY, { IMAGE_MAX_CHANNEL }, SYS_INVALID_SLOT },
        { SYSCALL_NOTIFY, { UINT64_MAX }, SYS_INVALID_SLOT },
        { SYSCALL_CALL, { 3 }, SYS_INVALID_SLOT },
        { SYSCALL_CALL, { IMAGE_MAX_CHANNEL }, SYS_INVALID_SLOT },
        { SYSCALL_CALL, { 1ul << 32 | 4 }, SYS_INVALID_SLOT },
        { SYSCALL_IRQ_ACK, { 3 }, SYS_INVALID_SLOT },
        { SYSCALL_IRQ_ACK, { IMAGE_MAX_CHANNEL }, SYS_INVALID_SLOT },
        { SYSCALL_PD_STOP, { 6 }, SYS_INVALID_SLOT },
        { SYSCALL_PD_STOP, { IMAGE_MAX_CHANNEL }, SYS_INVALID_SLOT },
        { SYSCALL_PD_RESTART, { UINT64_MAX, 4 }, SYS_INVALID_SLOT },
        { SYSCALL_VCPU_STOP, { 0 }, SYS_INVALID_SLOT },
        { SYSCALL_VCPU_STOP, { 7 }, SYS_INVALID_SLOT }, /* a child is no vCPU */
        { SYSCALL_VCPU_STOP, { IMAGE_VM_VCPUS }, SYS_INVALID_SLOT },
        { SYSCALL_VCPU_RESTART, { UINT64_MAX }, SYS_INVALID_SLOT },
        { SYSCALL_VCPU_INJECT, { 1 }, SYS_INVALID_SLOT },
        { SYSCALL_VCPU_INJECT, { 2, 1020 }, SYS_RANGE },
        { SYSCALL_VCPU_INJECT, { 2, 40, 32 }, SYS_RANGE },
        { SYSCALL_VCPU_INJECT, { 2, 40, 0, 2 }, SYS_RANGE },
        { SYSCALL_VCPU_INJECT, { 2, 40, 0, 0, VCPU_LRS }, SYS_RANGE },
        { SYSCALL_VCPU_INJECT, { 2, 40, 0, 0, UINT64_MAX }, SYS_RANGE },
        { SYSCALL_VCPU_ACK_VPPI, { 2, 26 }, SYS_INVALID_ARGUMENT },
        { SYSCALL_VCPU_ACK_VPPI, { 3, 27 }, SYS_INVALID_SLOT },
        { SYSCALL_VCPU_READ_REG, { 2, VCPU_REGS }, SYS_RANGE },
        { SYSCALL_VCPU_WRITE_REG, { 2, UINT64_MAX, 1 }, SYS_RANGE },
        { SYSCALL_TCB_READ, { 7, 1 }, SYS_INVALID_SLOT },
        { SYSCALL_TCB_READ, { SLOT_CHILD + 6, 1 }, SYS_INVALID_SLOT },
        { SYSCALL_TCB_READ, { SLOT_VCPU + 1, 1 }, SYS_INVALID_SLOT },
        { SYSCALL_TCB_READ, { SLOT_VCPU + IMAGE_VM_VCPUS, 1 }, SYS_INVALID_SLOT },
        { SYSCALL_TCB_READ, { UINT64_MAX, 1 }, SYS_INVALID_SLOT },
        { SYSCALL_TCB_READ, { SLOT_CHILD + 7, TCB_WORDS + 1 }, SYS_RANGE },
        { SYSCALL_TCB_WRITE, { SLOT_VCPU + 2, UINT64_MAX, 1 }, SYS_RANGE },
        { SYSCALL_SMC, { 0 }, SYS_INVALID_SLOT },
        { SYSCALL_THREAD_COUNTS, { 0 }, SYS_INVALID_SLOT }, /* in the config benchmark only */
    };
    (void)state;
    for (size_t i = 0; i < NUM_OF(rows); i++) {
        boot(state);
        struct frame child = *T(CHILD)->frame;
        if (rig_syscall(T(CALLER), rows[i].number, rows[i].args) != T(CALLER) ||
            ERROR_OF(T(CALLER)) != rows[i].error) {
            fail_msg("row %zu: error %lu", i, ERROR_OF(T(CALLER)));
        }
        assert_int_equal(T(CHILD)->state, THREAD_READY);
        assert_int_equal(T(CHILD)->notifications, 0);
        assert_memory_equal(T(CHILD)->frame, &child, sizeof(child));
        assert_int_equal(T(VCPU)->state, THREAD_STOPPED);
        assert_int_equal(T(VCPU)->vcpu.lrs_used, 0);
        assert_int_equal(hardware.num_smcs, 0);
        assert_int_equal(hardware.console[0], 0);
    }
}

static void an_unknown_number_is_none(void **state)
{
    static const uint64_t numbers[] = { NUM_SYSCALLS, UINT64_MAX, 1ul << 32 };
    (void)state;
    for (size_t i = 0; i < NUM_OF(numbers); i++) {
        T(CALLER)->frame->x[7] = numbers[i];
        T(CALLER)->frame->x[0] = 99;
        assert_false(syscall_dispatch(T(CALLER)));
        assert_int_equal(ERROR_OF(T(CALLER)), 99);
    }
}

static void text_goes_to_the_console(void **state)
{
    (void)state;
    char *text = (char *)(T(CALLER)->ipc_words - 1) + DEBUG_TEXT_OFFSET;
    memset(text, 'x', DEBUG_TEXT_BYTES);
    rig_call(T(CALLER), SYSCALL_DEBUG_PUTS, DEBUG_TEXT_BYTES);
    assert_int_equal(ERROR_OF(T(CALLER)), SYS_OK);
    assert_int_equal(strlen(hardware.console), DEBUG_TEXT_BYTES);
    rig_call(T(CALLER), SYSCALL_DEBUG_PUTS, 0);
    assert_int_equal(strlen(hardware.console), DEBUG_TEXT_BYTES);
}

/* Word n of seL4_UserContext, which begins pc, sp, spsr, x0 ... x8, x16 to x18, x29, x30. */
static void registers_are_read_and_written(void **state)
{
    uint64_t *words = T(CALLER)->ipc_words;
    (void)state;
    for (unsigned i = 0; i < TCB_WORDS; i++) {
        words[i] = 0xff00000000000000 + i;
    }
    rig_call(T(CALLER), SYSCALL_TCB_WRITE, SLOT_CHILD + 7, TCB_WORDS, 0);
    assert_int_equal(ERROR_OF(T(CALLER)), SYS_OK);
    const struct frame *frame = T(CHILD)->frame;
    assert_int_equal(frame->pc, 0xff00000000000000);
    assert_int_equal(frame->sp_el0, 0xff00000000000001);
    assert_int_equal(frame->spsr, 0); /* a PD has but its condition flags */
    assert_int_equal(frame->x[0], 0xff00000000000003);
    assert_int_equal(frame->x[30], 0xff00000000000010);
    assert_int_equal(T(CHILD)->state, THREAD_READY);
    memset(words, 0, MESSAGE_WORDS * sizeof(*words));
    rig_call(T(CALLER), SYSCALL_TCB_READ, SLOT_CHILD + 7, TCB_WORDS - 1);
    for (unsigned i = 0; i < TCB_WORDS - 1; i++) {
        assert_int_equal(words[i], i == 2 ? 0 : 0xff00000000000000 + i);
    }
    assert_int_equal(words[TCB_WORDS - 1], 0);
    /* A vCPU's spsr is looked at when it runs; the last argument starts it. */
    words[2] = 0x12345;
    rig_call(T(CALLER), SYSCALL_TCB_WRITE, SLOT_VCPU + 2, 3, 1);
    assert_int_equal(T(VCPU)->frame->spsr, 0x12345);
    assert_int_equal(T(VCPU)->state, THREAD_READY);
}

static void the_firmware_is_called(void **state)
{
    (void)state;
    rig_images[CALLER].flags = IMAGE_SMC;
    T(CALLER)->ipc_words[0] = 5;
    rig_call(T(CALLER), SYSCALL_SMC, 0);
    assert_int_equal(ERROR_OF(T(CALLER)), SYS_OK);
    assert_int_equal(T(CALLER)->ipc_words[0], ~5ul);
}

static void children_start_and_stop(void **state)
{
    (void)state;
    rig_call(T(CALLER), SYSCALL_PD_STOP, 7);
    assert_int_equal(T(CHILD)->state, THREAD_STOPPED);
    rig_call(T(CALLER), SYSCALL_PD_STOP, 7); /* again */
    assert_int_equal(ERROR_OF(T(CALLER)), SYS_OK);
    assert_null(rig_call(T(CALLER), SYSCALL_RECV, 0));
}

static void memory_is_cleared(void **state)
{
    static _Alignas(4096) uint8_t memory[3 * 4096];
    struct image_range ranges[] = { { (uintptr_t)memory - KERNEL_VADDR_OFFSET, 4096 },
                                    { (uintptr_t)memory + 8192 - KERNEL_VADDR_OFFSET, 4096 } };
    (void)state;
    memset(memory, 0xa5, sizeof(memory));
    memset(memory + 8192, 0, 4095); /* one byte is left */
    image_info.zero_vaddr = (uintptr_t)ranges;
    image_info.num_zero = 2;
    boot(state);
    image_info.num_zero = 0;
    for (unsigned i = 0; i < sizeof(memory); i++) {
        assert_int_equal(memory[i], i / 4096 == 1 ? 0xa5 : 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(wrong_arguments_are_refused, boot),
        cmocka_unit_test_setup(an_unknown_number_is_none, boot),
        cmocka_unit_test_setup(text_goes_to_the_console, boot),
        cmocka_unit_test_setup(registers_are_read_and_written, boot),
        cmocka_unit_test_setup(the_firmware_is_called, boot),
        cmocka_unit_test_setup(children_start_and_stop, boot),
        cmocka_unit_test_setup(memory_is_cleared, rig_setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
