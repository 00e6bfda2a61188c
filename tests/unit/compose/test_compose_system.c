/* SPDX-License-Identifier: BSD-2-Clause */
/* What compose writes fits together: description, records and device trees, of 1 to 56 guests. */
#include "compose/limits.h"
#include "tests/unit/compose/compose_rig.h"
#include "tests/unit/compose/compose_xml.h"
#include "vmm/core/vmm_config.h"

#include <dirent.h>
#include <libfdt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cloister/restart.h>
#include <cloister/supervisor_config.h>
#include <cmocka.h>
#include <sddf/config.h>

static struct composed compose_guests(unsigned count, const char *folder)
{
    char *yaml = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&yaml, &length);
    fprintf(out, "system: many\nconsole: {switch: return-at}\nguests:\n");
    for (unsigned i = 0; i < count; i++) {
        fprintf(out, "  - {name: g%u, memory: 64M}\n", i);
    }
    (void)fclose(out);
    rig_write_board(64ul << 30, true);
    struct composed system = composed_yaml(yaml, folder);
    free(yaml);
    return system;
}

/* ---- The description by itself ----------------------------------------------------------------*/

static void check_maps(const struct xml_system *xml)
{
    for (size_t i = 0; i < xml->num_maps; i++) {
        const struct xml_map *a = &xml->maps[i];
        const struct xml_region *region = xml_region(xml, a->region);
        assert_non_null(region);
        assert_int_equal(a->vaddr % region->page, 0);
        assert_int_equal(a->cached, region->phys == 0 || region->phys >= RIG_RAM_PADDR);
        assert_true(a->vaddr + region->size <= 0x7f00000000ul);
        for (size_t j = 0; j < i; j++) {
            const struct xml_map *b = &xml->maps[j];
            bool apart = a->pd != b->pd || a->in_vm != b->in_vm ||
                         a->vaddr >= b->vaddr + xml_region(xml, b->region)->size ||
                         b->vaddr >= a->vaddr + region->size;
            assert_true(apart);
        }
    }
}

static void check_regions(const struct xml_system *xml)
{
    for (size_t i = 0; i < xml->num_regions; i++) {
        const struct xml_region *region = &xml->regions[i];
        assert_true(region->page == 0x1000 || region->page == 0x200000);
        assert_true(region->size > 0 && region->size % region->page == 0);
        assert_ptr_equal(xml_region(xml, region->name), region); /* names are unique */
    }
}

static void check_ids(const struct xml_system *xml)
{
    static bool used[64][64];
    memset(used, 0, sizeof(used));
    for (size_t i = 0; i < xml->num_ends + xml->num_irqs; i++) {
        bool is_end = i < xml->num_ends;
        int pd = is_end ? xml->ends[i].pd : xml->irqs[i - xml->num_ends].pd;
        unsigned id = is_end ? xml->ends[i].id : xml->irqs[i - xml->num_ends].id;
        assert_true(id < MAX_CHANNELS);
        assert_false(used[pd][id]);
        used[pd][id] = true;
    }
    for (size_t i = 0; i < xml->num_ends; i += 2) {
        const struct xml_end *a = &xml->ends[i];
        const struct xml_end *b = &xml->ends[i + 1];
        assert_true(a->pd != b->pd && !(a->pp && b->pp));
        /* Who calls must have the lower priority. */
        assert_true(!a->pp || xml->pds[a->pd].priority < xml->pds[b->pd].priority);
        assert_true(!b->pp || xml->pds[b->pd].priority < xml->pds[a->pd].priority);
    }
}

static void check_pds(const struct xml_system *xml)
{
    for (size_t i = 0; i < xml->num_pds; i++) {
        const struct xml_pd *pd = &xml->pds[i];
        char program[XML_NAME + 8];
        (void)snprintf(program, sizeof(program), "%s.elf", pd->name);
        assert_string_equal(pd->program, program);
        assert_int_equal(xml_pd(xml, pd->name), i);
        if (pd->vm[0] != '\0') {
            assert_true(pd->vm_priority < pd->priority && pd->vcpus >= 1);
            assert_true(pd->budget > 0 && pd->budget == pd->period);
        }
    }
}

/* ---- Records against the description ----------------------------------------------------------*/

/* Both ends of a connection see the same memory, and each other over its channel. */
static void check_connection(const struct composed *system, const char *from,
                             const struct sddf_serial_connection *producer, const char *to,
                             const struct sddf_serial_connection *consumer)
{
    int a = xml_pd(system->xml, from);
    int b = xml_pd(system->xml, to);
    const struct xml_map *queue = composed_region(system, a, &producer->queue, "rw");
    assert_string_equal(composed_region(system, b, &consumer->queue, "rw")->region, queue->region);
    const struct xml_map *data = composed_region(system, a, &producer->data, "rw");
    assert_string_equal(composed_region(system, b, &consumer->data, "r")->region, data->region);
    assert_int_equal(producer->data.size_bytes & (producer->data.size_bytes - 1), 0);
    const struct xml_end *end = xml_peer(system->xml, a, producer->channel);
    assert_non_null(end);
    assert_int_equal(end->pd, b);
    assert_int_equal(end->id, consumer->channel);
}

static void check_timer_client(const struct composed *system, const char *name, unsigned channel)
{
    int pd = xml_pd(system->xml, name);
    const struct xml_end *timer = xml_peer(system->xml, pd, channel);
    assert_non_null(timer);
    assert_int_equal(timer->pd, xml_pd(system->xml, "timer_driver"));
    assert_true(xml_peer(system->xml, timer->pd, timer->id)->pp);
    assert_false(timer->pp);
}

static void check_irq(const struct composed *system, const char *name,
                      const struct sddf_device_resources *resources, unsigned intid)
{
    assert_true(sddf_magic_ok(&resources->magic, SDDF_DEVICE));
    assert_int_equal(resources->num_irqs, 1);
    for (size_t i = 0; i < system->xml->num_irqs; i++) {
        const struct xml_irq *irq = &system->xml->irqs[i];
        if (irq->pd == xml_pd(system->xml, name)) {
            assert_int_equal(irq->id, resources->irqs[0].channel);
            assert_int_equal(irq->irq, intid);
            assert_false(irq->is_edge);
            return;
        }
    }
    fail();
}

static void check_drivers(const struct composed *system)
{
    struct sddf_device_resources resources;
    composed_record(system, "timer_driver", "device_resources", &resources, sizeof(resources));
    check_irq(system, "timer_driver", &resources, 30);
    assert_int_equal(resources.num_regions, 0);
    composed_record(system, "serial_driver", "device_resources", &resources, sizeof(resources));
    check_irq(system, "serial_driver", &resources, 33);
    assert_int_equal(resources.num_regions, 1);
    assert_int_equal(resources.regions[0].io_addr, RIG_UART_ADDR);
    const struct xml_map *uart = composed_region(system, xml_pd(system->xml, "serial_driver"),
                                                 &resources.regions[0].region, "rw");
    assert_int_equal(xml_region(system->xml, uart->region)->phys, RIG_UART_ADDR);
}

static void check_serial(const struct composed *system, unsigned guests)
{
    static struct serial_virt_tx_config tx;
    static struct serial_virt_rx_config rx;
    struct sddf_serial_driver_config driver;
    composed_record(system, "serial_virt_tx", "serial_virt_tx_config", &tx, sizeof(tx));
    composed_record(system, "serial_virt_rx", "serial_virt_rx_config", &rx, sizeof(rx));
    composed_record(system, "serial_driver", "serial_driver_config", &driver, sizeof(driver));
    assert_true(sddf_magic_ok(&tx.magic, SDDF_SERIAL) && sddf_magic_ok(&rx.magic, SDDF_SERIAL));
    assert_true(sddf_magic_ok(&driver.magic, SDDF_SERIAL) && driver.rx_enabled);
    check_connection(system, "serial_virt_tx", &tx.driver, "serial_driver", &driver.tx);
    check_connection(system, "serial_driver", &driver.rx, "serial_virt_rx", &rx.driver);
    check_timer_client(system, "serial_virt_tx", tx.timer_channel);
    check_timer_client(system, "serial_virt_rx", rx.timer_channel);
    assert_int_equal(rx.num_clients, guests);
    assert_int_equal(tx.num_clients, guests + 2);
    /* The last clients of tx are rx itself, and the counters, uncoloured. */
    check_connection(system, "serial_virt_rx", &rx.log, "serial_virt_tx", &tx.clients[guests].conn);
    assert_string_equal(tx.clients[guests].name, "console");
    assert_string_equal(tx.clients[guests].colour, "");
    assert_string_equal(tx.clients[guests + 1].name, "counters");
    assert_string_equal(tx.clients[guests + 1].colour, "");
    for (unsigned i = 0; i < guests; i++) {
        struct sddf_serial_client_config client;
        char vmm[SDDF_NAME_BYTES + 8];
        (void)snprintf(vmm, sizeof(vmm), "%s_vmm", tx.clients[i].name);
        assert_string_equal(rx.clients[i].name, tx.clients[i].name);
        composed_record(system, vmm, "serial_client_config", &client, sizeof(client));
        assert_true(sddf_magic_ok(&client.magic, SDDF_SERIAL));
        check_connection(system, vmm, &client.tx, "serial_virt_tx", &tx.clients[i].conn);
        check_connection(system, "serial_virt_rx", &rx.clients[i].conn, vmm, &client.rx);
    }
}

/* ---- One guest: its record, its memory, its device tree ---------------------------------------*/

static uint64_t property(const void *fdt, const char *path, const char *name, size_t cell)
{
    int length;
    const fdt32_t *cells = fdt_getprop(fdt, fdt_path_offset(fdt, path), name, &length);
    assert_non_null(cells);
    assert_true((size_t)length >= (cell + 1) * sizeof(*cells));
    return fdt32_to_cpu(cells[cell]);
}

static uint64_t property64(const void *fdt, const char *path, const char *name, size_t index)
{
    return property(fdt, path, name, 2 * index) << 32 | property(fdt, path, name, 2 * index + 1);
}

static void check_image(const struct composed *system, int vmm, const struct vmm_image *image,
                        const char *prefill)
{
    const struct xml_map *map = xml_map_at(system->xml, vmm, false, image->vaddr);
    assert_non_null(map);
    assert_string_equal(map->perms, "r");
    const struct xml_region *region = xml_region(system->xml, map->region);
    assert_string_equal(region->prefill, prefill);
    assert_true(image->size_bytes <= region->size);
    char path[192];
    size_t length;
    (void)snprintf(path, sizeof(path), "%s/%s", system->folder, prefill);
    free(rig_read(path, &length));
    assert_int_equal(length, image->size_bytes);
}

static void check_ram(const struct composed *system, int vmm, const struct vmm_config *config)
{
    const struct xml_map *mine = xml_map_at(system->xml, vmm, false, config->ram_vaddr);
    const struct xml_map *guests = xml_map_at(system->xml, vmm, true, config->ram_gpa);
    assert_non_null(mine);
    assert_non_null(guests);
    assert_string_equal(mine->region, guests->region);
    assert_string_equal(mine->perms, "rw");
    assert_string_equal(guests->perms, "rwx");
    assert_int_equal(xml_region(system->xml, mine->region)->size, config->ram_bytes);
    const struct xml_map *gicv = xml_map_at(system->xml, vmm, true, 0x08010000);
    assert_non_null(gicv);
    assert_int_equal(xml_region(system->xml, gicv->region)->phys, RIG_GICV_ADDR);
    /* Nobody else has the guest's RAM. */
    for (size_t i = 0; i < system->xml->num_maps; i++) {
        const struct xml_map *map = &system->xml->maps[i];
        assert_true(map->pd == vmm || strcmp(map->region, mine->region) != 0);
    }
}

/* Kernel, device tree and initrd lie in RAM in this order, as Linux asks for. */
static void check_placement(const struct vmm_config *config)
{
    uint64_t end = config->ram_gpa + config->ram_bytes;
    assert_int_equal(config->kernel_gpa % 0x200000, 0);
    assert_true(config->kernel_gpa >= config->ram_gpa);
    assert_true(config->dtb_gpa >= config->kernel_gpa + RIG_IMAGE_SIZE);
    assert_int_equal(config->dtb_gpa % 8, 0);
    assert_int_equal(config->dtb_gpa / 0x200000,
                     (config->dtb_gpa + config->dtb.size_bytes - 1) / 0x200000);
    if (config->initrd.size_bytes != 0) {
        assert_int_equal(config->initrd_gpa % 0x1000, 0);
        assert_true(config->initrd_gpa >= config->dtb_gpa + config->dtb.size_bytes);
        assert_true(config->initrd_gpa + config->initrd.size_bytes <= end);
    }
}

static void check_devices(const void *fdt, const struct vmm_config *config)
{
    for (uint32_t i = 0; i < config->num_devices; i++) {
        const struct vmm_device *device = &config->devices[i];
        bool is_pl011 = device->type == VMM_DEVICE_PL011;
        char path[64];
        (void)snprintf(path, sizeof(path), "/%s@%lx", is_pl011 ? "pl011" : "virtio_mmio",
                       (unsigned long)device->gpa);
        assert_int_equal(property64(fdt, path, "reg", 0), device->gpa);
        assert_int_equal(property64(fdt, path, "reg", 1), device->size_bytes);
        assert_int_equal(property(fdt, path, "interrupts", 0), 0);
        assert_int_equal(property(fdt, path, "interrupts", 1) + 32, device->intid);
        assert_int_equal(property(fdt, path, "interrupts", 2), 4);
        int node = fdt_path_offset(fdt, path);
        assert_int_equal(fdt_stringlist_count(fdt, node, "compatible"), 1);
        assert_string_equal(fdt_getprop(fdt, node, "compatible", NULL),
                            is_pl011 ? "arm,pl011" : "virtio,mmio");
    }
}

static void check_tree(const void *fdt, const struct vmm_config *config)
{
    assert_int_equal(fdt_check_full(fdt, config->dtb.size_bytes), 0);
    assert_int_equal(property64(fdt, "/memory@40000000", "reg", 0), config->ram_gpa);
    assert_int_equal(property64(fdt, "/memory@40000000", "reg", 1), config->ram_bytes);
    assert_int_equal(property64(fdt, "/intc@8000000", "reg", 0), config->gicd_gpa);
    assert_int_equal(property64(fdt, "/intc@8000000", "reg", 2), 0x08010000);
    if (config->initrd.size_bytes != 0) {
        uint64_t start = property64(fdt, "/chosen", "linux,initrd-start", 0);
        assert_int_equal(start, config->initrd_gpa);
        assert_int_equal(property64(fdt, "/chosen", "linux,initrd-end", 0) - start,
                         config->initrd.size_bytes);
    }
    uint32_t cpus = 0;
    int node;
    fdt_for_each_subnode(node, fdt, fdt_path_offset(fdt, "/cpus"))
    {
        assert_string_equal(fdt_getprop(fdt, node, "enable-method", NULL), "psci");
        cpus++;
    }
    assert_int_equal(cpus, config->num_vcpus);
    assert_string_equal(fdt_getprop(fdt, fdt_path_offset(fdt, "/psci"), "method", NULL), "smc");
    check_devices(fdt, config);
}

/* dtc finds nothing to say about it. */
static void check_dtc(const char *path)
{
    char command[256];
    (void)snprintf(command, sizeof(command), "dtc -I dtb -O dtb -o /dev/null %s 2>&1", path);
    FILE *dtc = popen(command, "r");
    assert_non_null(dtc);
    char said[512] = "";
    size_t length = fread(said, 1, sizeof(said) - 1, dtc);
    said[length] = '\0';
    assert_int_equal(pclose(dtc), 0);
    assert_string_equal(said, "");
}

/* Returns the guest's device tree, to be freed. */
static void *check_guest(const struct composed *system, const char *name, struct vmm_config *config)
{
    char vmm[80];
    char path[128];
    char tree[80];
    (void)snprintf(vmm, sizeof(vmm), "%s_vmm", name);
    (void)snprintf(tree, sizeof(tree), "%s.dtb", name);
    (void)snprintf(path, sizeof(path), "%s/%s", system->folder, tree);
    composed_record(system, vmm, "vmm_config", config, sizeof(*config));
    assert_int_equal(config->magic, VMM_CONFIG_MAGIC);
    assert_string_equal(config->guest, name);
    int pd = xml_pd(system->xml, vmm);
    assert_string_equal(system->xml->pds[pd].vm, name);
    assert_int_equal(system->xml->pds[pd].vcpus, config->num_vcpus);
    check_ram(system, pd, config);
    check_placement(config);
    check_image(system, pd, &config->kernel, "kernel0");
    if (config->initrd.size_bytes != 0) {
        check_image(system, pd, &config->initrd, "initrd0");
    }
    check_image(system, pd, &config->dtb, tree);
    size_t length;
    void *fdt = rig_read(path, &length);
    assert_int_equal(length, config->dtb.size_bytes);
    check_tree(fdt, config);
    check_dtc(path);
    return fdt;
}

/* Above all others, their parent under the ids of its record; each has what it starts from. */
static void check_supervisor(const struct composed *system)
{
    static struct supervisor_config config;
    const struct xml_pd *pds = system->xml->pds;
    composed_record(system, "supervisor", "supervisor_config", &config, sizeof(config));
    assert_int_equal(config.magic, SUPERVISOR_CONFIG_MAGIC);
    assert_int_equal(config.num_children, system->xml->num_pds - 1);
    assert_string_equal(pds[0].name, "supervisor");
    for (unsigned i = 1; i < system->xml->num_pds; i++) {
        char file[XML_NAME + 8];
        const struct xml_map *copy = xml_map_at(system->xml, (int)i, false, RESTART_COPY_VADDR);
        assert_true(pds[i].priority < pds[0].priority);
        assert_int_equal(pds[i].id, i - 1);
        assert_string_equal(config.children[i - 1].name, pds[i].name);
        assert_non_null(copy);
        assert_string_equal(copy->perms, "r");
        (void)snprintf(file, sizeof(file), "%s.start", pds[i].name);
        assert_string_equal(xml_region(system->xml, copy->region)->prefill, file);
        assert_int_equal(xml_region(system->xml, copy->region)->size, RESTART_COPY_BYTES);
    }
}

static void check_system(const struct composed *system, unsigned guests)
{
    check_regions(system->xml);
    check_maps(system->xml);
    check_ids(system->xml);
    check_pds(system->xml);
    check_drivers(system);
    check_serial(system, guests);
    check_supervisor(system);
    assert_int_equal(system->xml->num_pds, guests + 7);
}

/* ---- The tests --------------------------------------------------------------------------------*/

static void any_number_of_guests_fits_together(void **state)
{
    static const unsigned counts[] = { 1, 2, 8, 16, 20, MAX_GUESTS };
    (void)state;
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        struct composed system = compose_guests(counts[i], "many");
        check_system(&system, counts[i]);
        struct vmm_config config;
        free(check_guest(&system, "g0", &config));
        free(system.xml);
    }
}

static const char *bootargs(const void *fdt)
{
    return fdt_getprop(fdt, fdt_path_offset(fdt, "/chosen"), "bootargs", NULL);
}

/* Everything that a file can say arrives where it should. */
static void all_keys_arrive(void **state)
{
    (void)state;
    struct composed system = composed_yaml(
        "system: all\nconsole:\n  switch: at\nguests:\n"
        "  - name: one\n    memory: 128M\n    vcpus: 4\n    color: cyan\n    cmdline: quiet x=1\n"
        "    console: {columns: 132, rows: 43}\n"
        "  - {name: two, memory: 1GiB, console: false, initrd: none, kernel: ./Image}\n"
        "  - {name: three, memory: 67108864, color: none, console: true}\n"
        "  - {name: four, memory: 65536K}\n",
        "all");
    check_system(&system, 4);
    struct vmm_config one;
    struct vmm_config two;
    struct vmm_config three;
    void *fdt = check_guest(&system, "one", &one);
    assert_string_equal(bootargs(fdt),
                        "earlycon=pl011,0x09000000 console=hvc0 hostname=one quiet x=1");
    free(fdt);
    assert_int_equal(one.num_vcpus, 4);
    assert_int_equal(one.num_devices, 3);
    assert_int_equal(one.devices[1].type, VMM_DEVICE_VIRTIO_CONSOLE);
    assert_int_equal(one.devices[1].columns, 132);
    assert_int_equal(one.devices[1].rows, 43);
    fdt = check_guest(&system, "two", &two);
    assert_string_equal(bootargs(fdt), "earlycon=pl011,0x09000000 hostname=two");
    assert_null(fdt_getprop(fdt, fdt_path_offset(fdt, "/chosen"), "linux,initrd-start", NULL));
    free(fdt);
    assert_int_equal(two.ram_bytes, 1ul << 30);
    assert_int_equal(two.num_devices, 2); /* the PL011 for earlycon stays */
    assert_int_equal(two.initrd.size_bytes, 0);
    free(check_guest(&system, "three", &three));
    assert_int_equal(three.ram_bytes, 64ul << 20);

    static struct serial_virt_tx_config tx;
    static struct serial_virt_rx_config rx;
    composed_record(&system, "serial_virt_tx", "serial_virt_tx_config", &tx, sizeof(tx));
    composed_record(&system, "serial_virt_rx", "serial_virt_rx_config", &rx, sizeof(rx));
    assert_int_equal(rx.switch_keys, SERIAL_SWITCH_AT);
    assert_string_equal(tx.clients[0].colour, "36");
    assert_string_equal(tx.clients[1].colour, "32"); /* by its index */
    assert_string_equal(tx.clients[2].colour, "");
    assert_string_equal(tx.clients[3].colour, "34");
    free(system.xml);
}

/* A kernel that several guests name in different ways lies in the image once. */
static void images_are_shared(void **state)
{
    (void)state;
    struct composed system = composed_yaml("system: s\nguests:\n"
                                           "  - {name: a, memory: 64M}\n"
                                           "  - {name: b, memory: 64M, kernel: ./Image}\n"
                                           "  - {name: c, memory: 64M, initrd: board.dtb}\n",
                                           "shared");
    unsigned kernels = 0;
    unsigned initrds = 0;
    for (size_t i = 0; i < system.xml->num_regions; i++) {
        kernels += strncmp(system.xml->regions[i].name, "kernel", 6) == 0;
        initrds += strncmp(system.xml->regions[i].name, "initrd", 6) == 0;
    }
    assert_int_equal(kernels, 1);
    assert_int_equal(initrds, 2);
    free(system.xml);
}

/* The same input gives the same bytes, wherever it is written to. */
static void two_runs_are_equal(void **state)
{
    (void)state;
    struct composed a = compose_guests(8, "run/a");
    struct composed b = compose_guests(8, "run/b");
    DIR *folder = opendir("run/a");
    assert_non_null(folder);
    unsigned files = 0;
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char path[2][300];
        if (entry->d_name[0] == '.' || strcmp(entry->d_name, "system.d") == 0) {
            continue; /* system.d names the folder */
        }
        size_t length[2];
        void *bytes[2];
        for (int i = 0; i < 2; i++) {
            (void)snprintf(path[i], sizeof(path[i]), "run/%c/%s", 'a' + i, entry->d_name);
            bytes[i] = rig_read(path[i], &length[i]);
        }
        assert_int_equal(length[0], length[1]);
        assert_memory_equal(bytes[0], bytes[1], length[0]);
        free(bytes[0]);
        free(bytes[1]);
        files++;
    }
    (void)closedir(folder);
    assert_int_equal(files, 8 * 4 + 7 + 2 + 7 + 1);
    free(a.xml);
    free(b.xml);
}

/* Everything of the system is in the picture, and what it stands on. */
static void picture_shows_everything(void **state)
{
    static const char *const wanted[] = {
        "digraph \"many\" {",
        "\"vm g1\" [label=\"g1\\n64M, 1 vCPU(s)\\npriority 50\" shape=box3d penwidth=3 "
        "color=green3]",
        "\"vm g1\" -> \"g1_vmm\"",
        "g1_ram 64M rwx|rw\\l",
        "\"g1_vmm\" -> \"serial_virt_rx\" [dir=both arrowhead=vee arrowtail=vee color=green3 "
        "label=\"g1_rx_queue 4K rw|rw\\lg1_rx_data 64K r|rw\\l\"]",
        "\"serial_virt_tx\" -> \"timer_driver\" [dir=both arrowhead=normal arrowtail=vee "
        "color=black "
        "label=\"calls\\l\"]",
        "\"serial_driver\" -> \"irq 33\"",
        "\"region uart\" [label=\"uart\\n4K at 0x9000000\" shape=component]",
        "\"region kernel0\" -> \"g0_vmm\" [",
        "\"vm g0\" -> \"region gicv\" [",
    };
    (void)state;
    struct composed system = compose_guests(2, "picture");
    size_t length;
    char *dot = rig_read("picture/system.dot", &length);
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        if (strstr(dot, wanted[i]) == NULL) {
            fail_msg("not in the picture: %s\n%s", wanted[i], dot);
        }
    }
    free(dot);
    free(system.xml);
}

/* make is told of every copy and every record, without a path of this machine. */
static void link_makefile_names_every_record(void **state)
{
    (void)state;
    struct composed system = compose_guests(2, "link");
    size_t length;
    char *mk = rig_read("link/link.mk", &length);
    assert_non_null(strstr(mk, "$(SYSTEM_DIR)/g1_vmm.elf: $(PROGRAM_DIR)/vmm.elf"));
    assert_non_null(
        strstr(mk, "--update-section .vmm_config=$(SYSTEM_DIR)/g1_vmm.vmm_config.data"));
    assert_non_null(strstr(mk, "$(SYSTEM_DIR)/serial_driver.elf: $(PROGRAM_DIR)/"
                               "serial_driver_pl011.elf"));
    assert_null(strstr(mk, "/tmp"));
    free(mk);
    free(system.xml);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_number_of_guests_fits_together),
        cmocka_unit_test(all_keys_arrive),
        cmocka_unit_test(images_are_shared),
        cmocka_unit_test(two_runs_are_equal),
        cmocka_unit_test(picture_shows_everything),
        cmocka_unit_test(link_makefile_names_every_record),
    };
    return cmocka_run_group_tests(tests, rig_setup, rig_teardown);
}
