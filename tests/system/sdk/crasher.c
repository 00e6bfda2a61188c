/* SPDX-License-Identifier: BSD-2-Clause */
/* Stops in the way that its name tells. */
#include <microkit.h>

static bool is_named(const char *name)
{
    for (unsigned i = 0;; i++) {
        if (microkit_name[i] != name[i]) {
            return false;
        }
        if (name[i] == '\0') {
            return true;
        }
    }
}

static void write_to(seL4_Word address)
{
    *(volatile seL4_Word *)address = 1;
}

static void jump_to(seL4_Word address)
{
    ((void (*)(void))address)();
}

void init(void)
{
    if (is_named("writes_null")) {
        write_to(0);
    } else if (is_named("writes_text")) {
        write_to((seL4_Word)init);
    } else if (is_named("jumps_to_stack")) {
        seL4_Word word = 0xd65f03c0; /* ret */
        jump_to((seL4_Word)&word);
    } else if (is_named("reads_kernel")) {
        write_to(*(volatile seL4_Word *)0xffffff8070000000ul);
    } else if (is_named("bad_syscall")) {
        __asm__ volatile("mov x7, #-1\n\tsvc #0" ::: "x7");
    } else if (is_named("undefined")) {
        __asm__ volatile(".word 0");
    } else if (is_named("hypervises")) {
        __asm__ volatile("msr hcr_el2, xzr");
    }
    microkit_dbg_puts(microkit_name);
    microkit_dbg_puts(": got away with it\n");
}

void notified(microkit_channel ch)
{
    (void)ch;
}
