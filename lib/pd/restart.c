/* SPDX-License-Identifier: BSD-2-Clause */
#include <cloister/restart.h>
#include <microkit.h>
#include <string.h>

/* microkit.ld's. */
extern char _data[], _bss[], _bss_end[];

uint32_t restart_lives __attribute__((used, section(".data"))) = 0;

/* What bin/microkit has written into the program, wherever in it that lies. */
struct patched {
    char name[MICROKIT_PD_NAME_LENGTH];
    seL4_Word irqs, notifications, pps;
    seL4_Bool passive;
    uint32_t lives;
};

static void keep(struct patched *kept)
{
    memcpy(kept->name, microkit_name, sizeof(kept->name));
    kept->irqs = microkit_irqs;
    kept->notifications = microkit_notifications;
    kept->pps = microkit_pps;
    kept->passive = microkit_passive;
    kept->lives = restart_lives;
}

static void put_back(const struct patched *kept)
{
    memcpy(microkit_name, kept->name, sizeof(kept->name));
    microkit_irqs = kept->irqs;
    microkit_notifications = kept->notifications;
    microkit_pps = kept->pps;
    microkit_passive = kept->passive;
    restart_lives = kept->lives + 1;
}

static size_t bytes_between(const char *first, const char *end)
{
    return (uintptr_t)end - (uintptr_t)first;
}

/* The compiler is to know that every variable changes here. */
#define FORGET() __asm__ volatile("" ::: "memory")

/* Before all other constructors. */
__attribute__((constructor(101), used)) static void restart(void)
{
    struct patched kept;
    keep(&kept);
    FORGET();
    memcpy(_data, (const void *)RESTART_COPY_VADDR, bytes_between(_data, _bss));
    memset(_bss, 0, bytes_between(_bss, _bss_end));
    FORGET();
    put_back(&kept);
}

void restart_signal(void)
{
    if (restart_lives <= 1) {
        return;
    }
    for (seL4_Word left = microkit_notifications; left != 0; left &= left - 1) {
        microkit_notify((microkit_channel)__builtin_ctzl(left));
    }
}
