/* SPDX-License-Identifier: BSD-2-Clause */
/* The system file's elements and attributes, as the Microkit's manual describes them. */
#include "sdk/tool/build.h"
#include <ctype.h>
#include <errno.h>
#include <expat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_DEPTH        (IMAGE_MAX_PDS + 8) /* PDs in PDs, and what a PD holds */
#define DEFAULT_BUDGET   1000                /* microseconds */
#define DEFAULT_STACK    0x2000
#define MAX_STACK        0x1000000
#define MAX_ALLOWED_TEXT 512

enum element_id { DOCUMENT, SYSTEM, REGION, PD, PROGRAM, MAP, IRQ, SETVAR, VM, VCPU, CHANNEL, END };

struct parser {
    XML_Parser expat;
    struct system *s;
    const char **attributes;         /* of the element that is being opened: name, value, ... */
    unsigned depth;                  /* of `open` */
    enum element_id open[MAX_DEPTH]; /* open[0] is the document */
    unsigned pd;                     /* innermost open PD, or MODEL_NONE */
};

struct element {
    const char *name;
    unsigned parents;     /* bit n: element_id n may hold it */
    const char *required; /* attributes, separated by spaces */
    const char *optional;
    void (*start)(struct parser *p); /* or NULL */
};

#define FAIL(p, ...) FAIL_IF(p, true, __VA_ARGS__)

/* Expat 2.9 deprecates the name that older releases have alone. */
#if XML_MAJOR_VERSION > 2 || XML_MINOR_VERSION >= 9
#define GET_LINE XML_GetCurrentLineNumber64
#else
#define GET_LINE XML_GetCurrentLineNumber
#endif

static unsigned long current_line(struct parser *p)
{
    return GET_LINE(p->expat);
}

/* Stops expat, which may go on for a moment then. */
#define FAIL_IF(p, wrong, ...)                                                                     \
    ((void)(refuse_if((p)->s, wrong, current_line(p), __VA_ARGS__) ||                              \
            XML_StopParser((p)->expat, XML_FALSE)))

/* Adds a zeroed object that begins in this line, and points to it. */
#define ADD(p, array)                                                                              \
    ((p)->s->array =                                                                               \
         arena_grow((p)->s->arena, (p)->s->array, (p)->s->num_##array, sizeof *(p)->s->array),     \
     (p)->s->array[(p)->s->num_##array].line = current_line(p),                                    \
     &(p)->s->array[(p)->s->num_##array++])

static const char *attribute(const struct parser *p, const char *name)
{
    for (const char **a = p->attributes; *a; a += 2) {
        if (strcmp(a[0], name) == 0) {
            return a[1];
        }
    }
    return NULL;
}

/* An attribute's text for the system to keep; "" without the attribute. */
static const char *text(struct parser *p, const char *name)
{
    const char *value = attribute(p, name);
    return value ? arena_copy(p->s->arena, value, strlen(value)) : "";
}

/* Decimal or 0x and hexadecimal, with underscores between digits. */
static bool parse_number(const char *text, uint64_t *value)
{
    char digits[24], *end;
    size_t count = 0;
    for (; *text && count < sizeof digits; text++) {
        if (*text != '_') {
            digits[count++] = *text;
        }
    }
    if (count == 0 || count == sizeof digits || !isdigit((unsigned char)digits[0])) {
        return false;
    }
    digits[count] = 0;
    errno = 0;
    *value = strtoul(digits, &end, digits[1] == 'x' || digits[1] == 'X' ? 16 : 10);
    return *end == 0 && errno == 0;
}

/* Reads a number from min to max; without the attribute it is `otherwise`. */
static uint64_t number(struct parser *p, const char *name, uint64_t otherwise, uint64_t min,
                       uint64_t max)
{
    const char *given = attribute(p, name);
    uint64_t value = otherwise;
    FAIL_IF(p, given && !parse_number(given, &value),
            "%s=\"%.40s\" is not a number; write it like 4096, 0x1000 or 0x10_0000", name, given);
    FAIL_IF(p, given && (value < min || value > max),
            "%s=\"%.40s\" is out of range; it must be %lu to %lu", name, given, min, max);
    return value;
}

static bool flag(struct parser *p, const char *name, bool otherwise)
{
    const char *given = attribute(p, name);
    bool value = given ? strcmp(given, "true") == 0 : otherwise;
    FAIL_IF(p, given && !value && strcmp(given, "false") != 0,
            "%s=\"%.40s\" is not a truth value; it must be \"true\" or \"false\"", name, given);
    return value;
}

/* The id of a channel or child. */
static uint64_t id_of(struct parser *p)
{
    return number(p, "id", 0, 0, IMAGE_MAX_CHANNEL - 1);
}

static void only_cpu_0(struct parser *p)
{
    uint64_t cpu = number(p, "cpu", 0, 0, UINT64_MAX);
    FAIL_IF(p, cpu != 0, "cpu=\"%lu\": this kernel runs on one core; it must be \"0\"", cpu);
}

/* Reads the name of the object that was added last, which is number `index` of its kind. */
static const char *name_of(struct parser *p, enum name_kind kind, unsigned index)
{
    struct name new = { kind, text(p, "name"), current_line(p), index };
    const struct name *first = model_find(p->s, kind, new.text);
    FAIL_IF(p, !*new.text || (kind != NAME_REGION && strlen(new.text) >= IMAGE_NAME_BYTES),
            "the name \"%.20s\" has a wrong length; it must have 1 to %d bytes", new.text,
            IMAGE_NAME_BYTES - 1);
    FAIL_IF(p, first, "%s \"%s\" exists already, in line %lu; give it another name",
            model_kinds[kind], new.text, first ? first->line : 0);
    *ADD(p, names) = new;
    return new.text;
}

static struct schedule schedule(struct parser *p)
{
    uint64_t priority = number(p, "priority", 0, 0, 254);
    uint64_t budget = number(p, "budget", DEFAULT_BUDGET, 1, UINT32_MAX);
    uint64_t period = number(p, "period", budget, 1, UINT32_MAX);
    FAIL_IF(
        p, budget > period,
        "the budget (%lu us) is more than the period (%lu us); the budget must be the smaller one",
        budget, period);
    return (struct schedule){ priority, budget, period };
}

static unsigned permissions(struct parser *p)
{
    const char *given = attribute(p, "perms");
    unsigned perms = 0, count = 0;
    for (const char *c = given ? given : "rw"; *c; c++, count++) {
        perms |= *c == 'r' ? PERM_READ : *c == 'w' ? PERM_WRITE : *c == 'x' ? PERM_EXECUTE : 0;
    }
    FAIL_IF(p, (unsigned)__builtin_popcount(perms) != count,
            "perms=\"%.40s\" is wrong; use each of r, w, x at most once", given);
    FAIL_IF(p, !(perms & PERM_READ), "perms=\"%.40s\" cannot be had without reading; add r", given);
    return perms;
}

static void start_region(struct parser *p)
{
    struct region *region = ADD(p, regions);
    region->name = name_of(p, NAME_REGION, p->s->num_regions - 1);
    region->prefill_path = attribute(p, "prefill_path") ? text(p, "prefill_path") : NULL;
    region->fixed = attribute(p, "phys_addr") != NULL;
    FAIL_IF(p, !region->prefill_path && !attribute(p, "size"),
            "memory_region \"%s\" has no size; give size or prefill_path", region->name);
    FAIL_IF(p, region->prefill_path && region->fixed,
            "memory_region \"%s\" has prefill_path and phys_addr; its place is in the image, so "
            "leave phys_addr out",
            region->name);
    region->size = number(p, "size", 0, 1, 1ul << 48);
    region->page_size = number(p, "page_size", 0, 0, UINT64_MAX);
    region->paddr = number(p, "phys_addr", 0, 0, (1ul << 48) - 1);
    FAIL_IF(p,
            attribute(p, "page_size") && region->page_size != MODEL_PAGE &&
                region->page_size != MODEL_LARGE_PAGE,
            "page_size=\"%.40s\" does not exist; it must be 0x1000 or 0x200000",
            attribute(p, "page_size"));
}

static void start_pd(struct parser *p)
{
    FAIL_IF(p, p->s->num_pds == IMAGE_MAX_PDS,
            "there are more than %d protection domains; put some together", IMAGE_MAX_PDS);
    struct pd *pd = ADD(p, pds);
    pd->parent = p->pd;
    pd->vm = MODEL_NONE;
    p->pd = p->s->num_pds - 1;
    pd->name = name_of(p, NAME_PD, p->pd);
    pd->schedule = schedule(p);
    FAIL_IF(p, (pd->parent != MODEL_NONE) != (attribute(p, "id") != NULL),
            "protection_domain \"%s\" %s", pd->name,
            pd->parent == MODEL_NONE
                ? "has an id but no parent; leave id out"
                : "is a child without an id; give it one, for its parent to know it by");
    pd->id = id_of(p);
    pd->passive = flag(p, "passive", false);
    pd->smc = flag(p, "smc", false);
    only_cpu_0(p);
    pd->stack_bytes = number(p, "stack_size", DEFAULT_STACK, MODEL_PAGE, MAX_STACK);
    FAIL_IF(p, pd->stack_bytes % MODEL_PAGE,
            "stack_size=\"%.40s\" is not a multiple of the page size, 0x1000",
            attribute(p, "stack_size"));
}

static void start_program(struct parser *p)
{
    struct pd *pd = &p->s->pds[p->pd];
    FAIL_IF(p, pd->program_path,
            "protection_domain \"%s\" has a second program_image; one is right", pd->name);
    pd->program_path = text(p, "path");
    pd->program_line = current_line(p);
}

/* Notes the variable that an attribute names, if it is there. */
static void add_setvar(struct parser *p, const char *name, enum setvar_kind kind, unsigned of)
{
    if (attribute(p, name)) {
        *ADD(p, setvars) = (struct setvar){ current_line(p),        p->pd, text(p, name), kind, of,
                                            text(p, "region_paddr") };
    }
}

static void start_map(struct parser *p)
{
    struct mapping *mapping = ADD(p, mappings);
    unsigned num_setvars = p->s->num_setvars;
    mapping->in_vm = p->open[p->depth] == VM;
    mapping->owner = mapping->in_vm ? p->s->pds[p->pd].vm : p->pd;
    mapping->region_name = text(p, "mr");
    mapping->vaddr = number(p, "vaddr", 0, 0, UINT64_MAX);
    mapping->perms = permissions(p);
    mapping->cached = flag(p, "cached", true);
    add_setvar(p, "setvar_vaddr", SETVAR_VADDR, p->s->num_mappings - 1);
    add_setvar(p, "setvar_size", SETVAR_SIZE, p->s->num_mappings - 1);
    FAIL_IF(p, mapping->in_vm && p->s->num_setvars > num_setvars,
            "a virtual machine has no variables to set; leave setvar_vaddr and setvar_size out");
}

static void start_irq(struct parser *p)
{
    struct irq *irq = ADD(p, irqs);
    const char *trigger = attribute(p, "trigger");
    irq->pd = p->pd;
    irq->edge = trigger && strcmp(trigger, "edge") == 0;
    FAIL_IF(p, trigger && !irq->edge && strcmp(trigger, "level") != 0,
            "trigger=\"%.40s\" does not exist; it must be \"level\" or \"edge\"", trigger);
    add_setvar(p, "setvar_id", SETVAR_ID, p->s->num_irqs - 1);
    only_cpu_0(p);
    irq->named = number(p, "irq", 0, 0, UINT32_MAX);
    irq->id = id_of(p);
}

static void start_setvar(struct parser *p)
{
    add_setvar(p, "symbol", SETVAR_PADDR, MODEL_NONE);
}

static void start_vm(struct parser *p)
{
    struct pd *pd = &p->s->pds[p->pd];
    FAIL_IF(p, pd->vm != MODEL_NONE,
            "protection_domain \"%s\" has a second virtual_machine; a VMM has one", pd->name);
    struct vm *vm = ADD(p, vms);
    pd->vm = p->s->num_vms - 1;
    vm->pd = p->pd;
    vm->name = name_of(p, NAME_VM, pd->vm);
    vm->schedule = schedule(p);
}

static void start_vcpu(struct parser *p)
{
    FAIL_IF(p, p->s->num_vcpus == IMAGE_MAX_VCPUS, "there are more than %d vcpus; take some out",
            IMAGE_MAX_VCPUS);
    struct vcpu *vcpu = ADD(p, vcpus);
    vcpu->vm = p->s->pds[p->pd].vm;
    only_cpu_0(p);
    vcpu->id = number(p, "id", 0, 0, IMAGE_VM_VCPUS - 1);
}

static void start_channel(struct parser *p)
{
    ADD(p, channels);
}

static void start_end(struct parser *p)
{
    struct channel *channel = &p->s->channels[p->s->num_channels - 1];
    struct channel_end *end = ADD(p, ends);
    FAIL_IF(p, ++channel->num_ends > 2, "the channel has a third end; two are right");
    end->pd_name = text(p, "pd");
    end->id = id_of(p);
    end->may_call = flag(p, "pp", false);
    end->may_notify = flag(p, "notify", true);
}

#define IN(parent) (1u << (parent))

static const struct element elements[] = {
    [SYSTEM] = { "system", IN(DOCUMENT), "", "", NULL },
    [REGION] = { "memory_region", IN(SYSTEM), "name", "size page_size phys_addr prefill_path",
                 start_region },
    [PD] = { "protection_domain", IN(SYSTEM) | IN(PD), "name priority",
             "budget period passive stack_size cpu smc id", start_pd },
    [PROGRAM] = { "program_image", IN(PD), "path", "", start_program },
    [MAP] = { "map", IN(PD) | IN(VM), "mr vaddr", "perms cached setvar_vaddr setvar_size",
              start_map },
    [IRQ] = { "irq", IN(PD), "irq id", "trigger setvar_id cpu", start_irq },
    [SETVAR] = { "setvar", IN(PD), "symbol region_paddr", "", start_setvar },
    [VM] = { "virtual_machine", IN(PD), "name", "priority budget period", start_vm },
    [VCPU] = { "vcpu", IN(VM), "id", "cpu", start_vcpu },
    [CHANNEL] = { "channel", IN(SYSTEM), "", "", start_channel },
    [END] = { "end", IN(CHANNEL), "pd id", "pp notify", start_end },
};
#define NUM_ELEMENTS (sizeof elements / sizeof elements[0])

static bool is_word_of(const char *word, const char *words)
{
    size_t length = strlen(word);
    for (const char *at = words; (at = strstr(at, word)); at += length) {
        if ((at == words || at[-1] == ' ') && (at[length] == ' ' || at[length] == 0)) {
            return true;
        }
    }
    return false;
}

static void check_attributes(struct parser *p, const struct element *element)
{
    const char *required = element->required, *optional = element->optional;
    for (const char **a = p->attributes; *a; a += 2) {
        FAIL_IF(p, !is_word_of(*a, required) && !is_word_of(*a, optional),
                "unknown attribute \"%.40s\" of %s; it may have: %s%s%s", *a, element->name,
                required, *required ? " " : "", *optional || *required ? optional : "none");
    }
    for (const char *at = required; *at; at += strspn(at, " ")) {
        char word[32];
        int length = (int)strcspn(at, " ");
        snprintf(word, sizeof word, "%.*s", length, at);
        FAIL_IF(p, !attribute(p, word), "%s has no attribute \"%s\"; add it", element->name, word);
        at += length;
    }
}

static enum element_id find_element(struct parser *p, const char *name, enum element_id parent)
{
    char allowed[MAX_ALLOWED_TEXT] = "";
    for (enum element_id id = SYSTEM; id < NUM_ELEMENTS; id++) {
        size_t used = strlen(allowed);
        if (!(elements[id].parents & IN(parent))) {
            continue;
        }
        if (strcmp(name, elements[id].name) == 0) {
            return id;
        }
        snprintf(allowed + used, sizeof allowed - used, " %s", elements[id].name);
    }
    FAIL(p, "unknown element \"%.40s\" in %s; it may hold:%s", name,
         parent == DOCUMENT ? "the document" : elements[parent].name,
         allowed[0] ? allowed : " nothing");
    return DOCUMENT;
}

static void XMLCALL on_start(void *user, const char *name, const char **attributes)
{
    struct parser *p = user;
    p->attributes = attributes;
    enum element_id id = model_good(p->s) ? find_element(p, name, p->open[p->depth]) : DOCUMENT;
    if (model_good(p->s)) {
        check_attributes(p, &elements[id]);
    }
    /* start() sees the parent as the innermost open element. The depth has a bound, because only
     * PDs nest, and there are at most IMAGE_MAX_PDS. */
    if (model_good(p->s) && elements[id].start) {
        elements[id].start(p);
    }
    if (model_good(p->s)) {
        p->open[++p->depth] = id;
    }
}

/* Expat calls this for an empty element even when on_start() has stopped it. */
static void XMLCALL on_end(void *user, const char *name)
{
    struct parser *p = user;
    (void)name;
    if (model_good(p->s) && p->open[p->depth--] == PD) {
        p->pd = p->s->pds[p->pd].parent;
    }
}

static void XMLCALL on_text(void *user, const char *bytes, int length)
{
    struct parser *p = user;
    for (int i = 0; i < length; i++) {
        FAIL_IF(p, !strchr(" \t\r\n", bytes[i]),
                "there is text here; take it out or make it a comment");
    }
}

/* No document type, so no entities: their expansion is the way to make a small file endless. */
static void XMLCALL on_doctype(void *user, const char *name, const char *sysid, const char *pubid,
                               int has_internal_subset)
{
    struct parser *p = user;
    (void)name, (void)sysid, (void)pubid, (void)has_internal_subset;
    FAIL(p, "a document type is not supported; take <!DOCTYPE> out");
}

bool xml_parse(struct system *system, const char *bytes, size_t size)
{
    struct parser parser = { .s = system, .pd = MODEL_NONE };
    parser.expat = size > INT32_MAX ? NULL : XML_ParserCreate(NULL);
    if (parser.expat == NULL) {
        return refuse(system, 0, "the file is too large for a system file");
    }
    XML_SetUserData(parser.expat, &parser);
    XML_SetElementHandler(parser.expat, on_start, on_end);
    XML_SetCharacterDataHandler(parser.expat, on_text);
    XML_SetStartDoctypeDeclHandler(parser.expat, on_doctype);
    if (XML_Parse(parser.expat, bytes, (int)size, true) != XML_STATUS_OK) {
        FAIL(&parser, "this is not XML: %s; correct the markup here or just before",
             XML_ErrorString(XML_GetErrorCode(parser.expat)));
    }
    XML_ParserFree(parser.expat);
    return model_good(system);
}
