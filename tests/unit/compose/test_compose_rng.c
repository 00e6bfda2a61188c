/* SPDX-License-Identifier: BSD-2-Clause */
/* What compose writes of random bytes: who calls the driver, what seed it has, what trees say. */
#include "tests/unit/compose/compose_rig.h"
#include "tests/unit/compose/compose_xml.h"
#include "vmm/core/vmm_config.h"

#include <libfdt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cloister/entropy.h>
#include <cmocka.h>

static struct vmm_config config;

static bool has_rng(void)
{
    for (uint32_t i = 0; i < config.num_devices; i++) {
        if (config.devices[i].type == VMM_DEVICE_VIRTIO_RNG) {
            return true;
        }
    }
    return false;
}

/* A guest's VMM may call the driver, and its tree has room where the record says. */
static void check_client(const struct composed *system, const char *vmm, const char *tree)
{
    char path[64];
    int length;
    int pd = xml_pd(system->xml, vmm);
    composed_record(system, vmm, "vmm_config", &config, sizeof(config));
    const struct xml_end *end = xml_peer(system->xml, pd, config.entropy.channel);
    assert_int_equal(end->pd, xml_pd(system->xml, "entropy"));
    for (size_t i = 0; i < system->xml->num_ends; i++) {
        const struct xml_end *mine = &system->xml->ends[i];
        if (mine->pd == pd && mine->id == config.entropy.channel) {
            assert_true(mine->pp);
        }
    }
    assert_true(has_rng());
    (void)snprintf(path, sizeof(path), "%s/%s", system->folder, tree);
    size_t bytes;
    char *fdt = rig_read(path, &bytes);
    const char *seed = fdt_getprop(fdt, fdt_path_offset(fdt, "/chosen"), "rng-seed", &length);
    assert_int_equal(length, VMM_SEED_BYTES);
    assert_int_equal(seed - fdt, config.entropy.seed_offset);
    for (int i = 0; i < length; i++) {
        assert_int_equal(seed[i], 0);
    }
    free(fdt);
}

static void expect_note(const struct composed *system, const char *text, bool there)
{
    char path[64];
    size_t length;
    (void)snprintf(path, sizeof(path), "%s/notes.txt", system->folder);
    char *notes = rig_read(path, &length);
    assert_int_equal(memmem(notes, length, text, strlen(text)) != NULL, there);
    free(notes);
}

static void a_guest_has_random_bytes_unless_it_says_no(void **state)
{
    struct entropy_config entropy;
    (void)state;
    struct composed system = composed_yaml("system: s\nguests:\n"
                                           "  - {name: a, memory: 64M}\n"
                                           "  - {name: b, memory: 64M, rng: false}\n"
                                           "  - {name: c, memory: 64M, rng: true}\n",
                                           "some");
    int pd = xml_pd(system.xml, "entropy");
    assert_true(system.xml->pds[pd].passive && system.xml->pds[pd].priority > 100);
    composed_record(&system, "entropy", "entropy_config", &entropy, sizeof(entropy));
    assert_int_equal(entropy.magic, ENTROPY_CONFIG_MAGIC);
    assert_int_equal(entropy.seed_bytes, 0);
    check_client(&system, "a_vmm", "a.dtb");
    check_client(&system, "c_vmm", "c.dtb");
    composed_record(&system, "b_vmm", "vmm_config", &config, sizeof(config));
    assert_false(has_rng());
    assert_int_equal(config.entropy.seed_offset, 0);
    size_t calls = 0;
    for (size_t i = 0; i < system.xml->num_ends; i++) {
        calls += system.xml->ends[i].pd == pd;
    }
    assert_int_equal(calls, 2);
    expect_note(&system, "none for b\n", true);
    expect_note(&system, "which whoever has this image can read", false);
    free(system.xml);
}

static void nobody_wants_any(void **state)
{
    (void)state;
    struct composed system =
        composed_yaml("system: s\nguests:\n  - {name: a, memory: 64M, rng: false}\n", "none");
    assert_int_equal(xml_pd(system.xml, "entropy"), -1);
    expect_note(&system, "jitter", false);
    free(system.xml);
}

#define SEEDED "system: s\nseed: seed\nguests:\n  - {name: a, memory: 64M}\n"

static void a_seed_is_in_the_image_where_it_is_asked_for(void **state)
{
    struct entropy_config entropy;
    uint8_t seed[ENTROPY_SEED_MAX + 1];
    (void)state;
    memset(seed, 0x5a, sizeof(seed));
    for (uint32_t bytes = ENTROPY_SEED_MIN; bytes <= ENTROPY_SEED_MAX; bytes += 224) {
        rig_write("seed", seed, bytes);
        struct composed system = composed_yaml(SEEDED, "seeded");
        composed_record(&system, "entropy", "entropy_config", &entropy, sizeof(entropy));
        assert_int_equal(entropy.seed_bytes, bytes);
        assert_memory_equal(entropy.seed, seed, bytes);
        expect_note(&system, "and from ./seed, which whoever has this image can read\n", true);
        size_t length;
        char *depends = rig_read("seeded/system.d", &length);
        assert_non_null(memmem(depends, length, " ./seed", 7)); /* made anew when it changes */
        free(depends);
        free(system.xml);
    }
}

static void wrong_seeds_are_told(void **state)
{
    static const struct {
        long bytes; /* -1: no file */
        const char *told;
    } wrong[] = {
        { -1, "2:7: error: cannot read the seed './seed': No such file" },
        { 31, "2:7: error: the seed './seed' has 31 bytes; it must have 32 to 256" },
        { 257, "2:7: error: the seed './seed' has 257 bytes; it must have 32 to 256" },
    };
    static const uint8_t seed[ENTROPY_SEED_MAX + 1];
    (void)state;
    (void)remove("seed");
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        bool good;
        if (wrong[i].bytes >= 0) {
            rig_write("seed", seed, (size_t)wrong[i].bytes);
        }
        char *told = rig_compose(SEEDED, strlen(SEEDED), "out", &good);
        assert_false(good);
        assert_non_null(strstr(told, wrong[i].told));
        free(told);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_guest_has_random_bytes_unless_it_says_no),
        cmocka_unit_test(nobody_wants_any),
        cmocka_unit_test(a_seed_is_in_the_image_where_it_is_asked_for),
        cmocka_unit_test(wrong_seeds_are_told),
    };
    return cmocka_run_group_tests(tests, rig_setup, rig_teardown);
}
