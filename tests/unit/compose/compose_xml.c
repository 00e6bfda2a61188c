/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/compose/compose_xml.h"

#include "tests/unit/compose/compose_rig.h"

#include <expat.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *find(const char **attributes, const char *name)
{
    for (; *attributes != NULL; attributes += 2) {
        if (strcmp(attributes[0], name) == 0) {
            return attributes[1];
        }
    }
    return NULL;
}

static void text(const char **attributes, const char *name, char *to)
{
    const char *value = find(attributes, name);
    if (value != NULL) {
        assert_true(strlen(value) < XML_NAME);
        memcpy(to, value, strlen(value) + 1);
    }
}

static uint64_t number(const char **attributes, const char *name)
{
    const char *value = find(attributes, name);
    return value == NULL ? 0 : strtoull(value, NULL, 0);
}

static bool is(const char **attributes, const char *name, const char *word)
{
    const char *value = find(attributes, name);
    return value != NULL && strcmp(value, word) == 0;
}

static void add_region(struct xml_system *xml, const char **attributes)
{
    assert_true(xml->num_regions < 512);
    struct xml_region *region = &xml->regions[xml->num_regions++];
    text(attributes, "name", region->name);
    text(attributes, "prefill_path", region->prefill);
    region->size = number(attributes, "size");
    region->page = number(attributes, "page_size");
    region->phys = number(attributes, "phys_addr");
}

static void add_map(struct xml_system *xml, const char **attributes)
{
    assert_true(xml->num_maps < 2048 && xml->num_pds > 0);
    struct xml_map *map = &xml->maps[xml->num_maps++];
    text(attributes, "mr", map->region);
    assert_true(strlen(find(attributes, "perms")) < sizeof(map->perms));
    text(attributes, "perms", map->perms);
    map->vaddr = number(attributes, "vaddr");
    map->cached = !is(attributes, "cached", "false");
    map->pd = (int)xml->num_pds - 1;
    map->in_vm = xml->pds[map->pd].vm[0] != '\0';
}

static void add_pd(struct xml_system *xml, const char **attributes)
{
    assert_true(xml->num_pds < 64);
    struct xml_pd *pd = &xml->pds[xml->num_pds++];
    text(attributes, "name", pd->name);
    pd->priority = (unsigned)number(attributes, "priority");
    pd->id = (unsigned)number(attributes, "id");
    pd->pd_budget = (unsigned)number(attributes, "budget");
    pd->pd_period = (unsigned)number(attributes, "period");
    pd->passive = is(attributes, "passive", "true");
    pd->smc = is(attributes, "smc", "true");
}

static void add_vm(struct xml_pd *pd, const char **attributes)
{
    text(attributes, "name", pd->vm);
    pd->vm_priority = (unsigned)number(attributes, "priority");
    pd->budget = (unsigned)number(attributes, "budget");
    pd->period = (unsigned)number(attributes, "period");
}

static void add_irq(struct xml_system *xml, const char **attributes)
{
    struct xml_irq *irq = &xml->irqs[xml->num_irqs++];
    irq->pd = (int)xml->num_pds - 1;
    irq->irq = (unsigned)number(attributes, "irq");
    irq->id = (unsigned)number(attributes, "id");
    irq->is_edge = is(attributes, "trigger", "edge");
}

static void add_end(struct xml_system *xml, const char **attributes)
{
    assert_true(xml->num_ends < 512);
    struct xml_end *end = &xml->ends[xml->num_ends++];
    end->pd = xml_pd(xml, find(attributes, "pd"));
    end->id = (unsigned)number(attributes, "id");
    end->pp = is(attributes, "pp", "true");
    assert_true(end->pd >= 0);
}

static void start(void *user, const char *name, const char **attributes)
{
    struct xml_system *xml = user;
    struct xml_pd *pd = xml->num_pds == 0 ? NULL : &xml->pds[xml->num_pds - 1];
    if (strcmp(name, "memory_region") == 0) {
        add_region(xml, attributes);
    } else if (strcmp(name, "map") == 0) {
        add_map(xml, attributes);
    } else if (strcmp(name, "protection_domain") == 0) {
        add_pd(xml, attributes);
    } else if (strcmp(name, "program_image") == 0) {
        text(attributes, "path", pd->program);
    } else if (strcmp(name, "virtual_machine") == 0) {
        add_vm(pd, attributes);
    } else if (strcmp(name, "vcpu") == 0) {
        assert_int_equal(number(attributes, "id"), pd->vcpus++);
    } else if (strcmp(name, "irq") == 0) {
        add_irq(xml, attributes);
    } else if (strcmp(name, "end") == 0) {
        add_end(xml, attributes);
    } else {
        assert_true(strcmp(name, "system") == 0 || strcmp(name, "channel") == 0);
    }
}

struct xml_system *xml_read(const char *path)
{
    size_t length;
    char *bytes = rig_read(path, &length);
    struct xml_system *xml = calloc(1, sizeof(*xml));
    XML_Parser parser = XML_ParserCreate(NULL);
    XML_SetUserData(parser, xml);
    XML_SetStartElementHandler(parser, start);
    assert_int_equal(XML_Parse(parser, bytes, (int)length, 1), XML_STATUS_OK);
    XML_ParserFree(parser);
    free(bytes);
    return xml;
}

int xml_pd(const struct xml_system *xml, const char *name)
{
    for (size_t i = 0; i < xml->num_pds; i++) {
        if (strcmp(xml->pds[i].name, name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

const struct xml_region *xml_region(const struct xml_system *xml, const char *name)
{
    for (size_t i = 0; i < xml->num_regions; i++) {
        if (strcmp(xml->regions[i].name, name) == 0) {
            return &xml->regions[i];
        }
    }
    return NULL;
}

const struct xml_map *xml_map_at(const struct xml_system *xml, int pd, bool in_vm, uint64_t vaddr)
{
    for (size_t i = 0; i < xml->num_maps; i++) {
        const struct xml_map *map = &xml->maps[i];
        if (map->pd == pd && map->in_vm == in_vm && map->vaddr == vaddr) {
            return map;
        }
    }
    return NULL;
}

const struct xml_end *xml_peer(const struct xml_system *xml, int pd, unsigned id)
{
    for (size_t i = 0; i < xml->num_ends; i++) {
        if (xml->ends[i].pd == pd && xml->ends[i].id == id) {
            return &xml->ends[i ^ 1];
        }
    }
    return NULL;
}

struct composed composed_yaml(const char *yaml, const char *folder)
{
    bool good;
    char *told = rig_compose(yaml, strlen(yaml), folder, &good);
    assert_string_equal(told, "");
    assert_true(good);
    free(told);
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/system.xml", folder);
    return (struct composed){ folder, xml_read(path) };
}

void composed_record(const struct composed *system, const char *pd, const char *section, void *to,
                     size_t bytes)
{
    char path[192];
    size_t length;
    (void)snprintf(path, sizeof(path), "%s/%s.%s.data", system->folder, pd, section);
    void *read = rig_read(path, &length);
    assert_int_equal(length, bytes);
    memcpy(to, read, bytes);
    free(read);
}

const struct xml_map *composed_region(const struct composed *system, int pd,
                                      const struct sddf_region *region, const char *perms)
{
    const struct xml_map *map = xml_map_at(system->xml, pd, false, region->vaddr);
    assert_non_null(map);
    assert_string_equal(map->perms, perms);
    assert_int_equal(xml_region(system->xml, map->region)->size, region->size_bytes);
    return map;
}
