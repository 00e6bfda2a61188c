/* SPDX-License-Identifier: BSD-2-Clause */
/* A guest of two vCPUs around lifecycle.c: what that does to vCPUs, devices and images is noted. */
#pragma once

#include "tests/unit/vmm/core/vmm_log_fake.h"
#include "vmm/arch/aarch64/vcpu_control.h"
#include "vmm/core/guest_image.h"
#include "vmm/core/lifecycle.h"
#include "vmm/core/vm.h"

#include <setjmp.h>
#include <stddef.h>

#include <cmocka.h>

#define TIMER 27
#define SPI   40

/* ---- What lifecycle.c stands on: each call is a word in `calls` ---- */
static char calls[1024];
static struct vcpu_regs regs[2];
static bool images_good, devices_quiet, disk_ready;
static uint64_t started_pc, started_x0;

static inline void note(const char *what, unsigned vcpu)
{
    size_t used = strlen(calls);
    format_text(calls + used, sizeof(calls) - used, "%s%u ", what, vcpu);
}

bool image_load(const struct vmm_config *config, const struct guest_ram *ram, gpa_t *entry)
{
    (void)ram;
    note("load", 0);
    *entry = config->kernel_gpa;
    return images_good;
}

struct vcpu_regs *vcpu_regs_get(unsigned vcpu)
{
    return &regs[vcpu];
}

uint64_t vcpu_sysreg_read(unsigned vcpu, enum vcpu_sysreg reg)
{
    return 0xe1000 + vcpu * 0x100 + reg;
}

void vcpu_sysreg_write(unsigned vcpu, enum vcpu_sysreg reg, uint64_t value)
{
    assert_true(reg == VCPU_CNTV_CTL && value == 0);
    note("quiet", vcpu);
}

void vcpu_start(unsigned vcpu, uint64_t pc, uint64_t x0)
{
    note("start", vcpu);
    started_pc = pc;
    started_x0 = x0;
}

void vcpu_stop(unsigned vcpu)
{
    note("stop", vcpu);
}

void vcpu_resume(unsigned vcpu)
{
    note("resume", vcpu);
}

static inline void inject(unsigned vcpu, unsigned intid, unsigned priority, unsigned group,
                          unsigned index)
{
    (void)intid, (void)priority, (void)group, (void)index;
    note("inject", vcpu);
}

static inline void ack_ppi(unsigned vcpu, unsigned intid)
{
    assert_int_equal(intid, TIMER);
    note("ack", vcpu);
}

bool devices_reset(struct vm *vm)
{
    (void)vm;
    note("devices", 0);
    return devices_quiet;
}

bool devices_ready(struct vm *vm)
{
    (void)vm;
    return disk_ready;
}

bool devices_busy(const struct vm *vm)
{
    (void)vm;
    return !devices_quiet;
}

void devices_stop(struct vm *vm)
{
    (void)vm;
    note("silent", 0);
}

static const struct vgic_ops vgic_ops = { inject, ack_ppi };
static struct vmm_config config;
static struct vm vm;
static uint8_t memory[4096];

static inline int setup(void **state)
{
    (void)state;
    config = (struct vmm_config){ .kernel_gpa = 0x40000000, .dtb_gpa = 0x40000800 };
    config.num_vcpus = 2;
    memset(&vm, 0, sizeof(vm));
    vm.config = &config;
    vm.ram = (struct guest_ram){ memory, 0x40000000, sizeof(memory) };
    vgic_init(&vm.vgic, &vgic_ops, 2, 63);
    images_good = devices_quiet = disk_ready = true;
    memset(calls, 0, sizeof(calls));
    memset(logged, 0, sizeof(logged));
    return 0;
}

static inline void expect_calls(const char *expected)
{
    assert_string_equal(calls, expected);
    memset(calls, 0, sizeof(calls));
}

static inline void expect_log(const char *expected)
{
    assert_string_equal(logged, expected);
    memset(logged, 0, sizeof(logged));
}

static inline void start_guest(void)
{
    lifecycle_start(&vm);
    expect_calls("load0 start0 ");
    assert_int_equal(vm.state, VM_RUNNING);
}

static inline int64_t psci(unsigned vcpu, uint64_t function, uint64_t x1, uint64_t x2)
{
    const uint64_t x[4] = { function, x1, x2, 0x77 };
    return psci_call(&vm.psci, vcpu, x);
}
