/* SPDX-License-Identifier: BSD-2-Clause */
/* The system file's elements and attributes, as the Microkit's manual describes them. */
#include "sdk/tool/xml.h"
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
    bool failed;
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
    bool (*start)(struct parser *p); /* or NULL: nothing to note */
};

#define FAIL(p, ...) error_at((p)->s->error, XML_GetCurrentLineNumber((p)->expat), __VA_ARGS__)

static unsigned long current_line(struct parser *p)
{
    return XML_GetCurrentLineNumber(p->expat);
}

/* ---- Attributes ------------------------------------------------------------------------------ */

static const char *attribute(struct parser *p, const char *name)
{
    for (const char **a = p->attributes; *a; a += 2)
        if (strcmp(a[0], name) == 0)
            return a[1];
    return NULL;
}

static const char *text(struct parser *p, const char *name)
{
    return arena_text(p->s->arena, attribute(p, name));
}

/* Decimal or 0x and hexadecimal, with underscores between digits. */
static bool parse_number(const char *text, uint64_t *value)
{
    char digits[24], *end;
    size_t count = 0;

    for (; *text && count < sizeof digits; text++)
        if (*text != '_')
            digits[count++] = *text;
    if (count == 0 || count == sizeof digits || !isdigit((unsigned char)digits[0]))
        return false;
    digits[count] = 0;
    errno = 0;
    *value = strtoul(digits, &end, digits[1] == 'x' || digits[1] == 'X' ? 16 : 10);
    return *end == 0 && errno == 0;
}

/* Reads a number from min to max; without the attribute it is `otherwise`. */
static bool number(struct parser *p, const char *name, uint64_t otherwise, uint64_t min,
                   uint64_t max, uint64_t *value)
{
    const char *given = attribute(p, name);

    *value = otherwise;
    if (!given)
        return true;
    if (!parse_number(given, value))
        return FAIL(p, "%s=\"%.40s\" is not a number; write it like 4096, 0x1000 or 0x10_0000",
                    name, given);
    if (*value < min || *value > max)
        return FAIL(p, "%s=\"%.40s\" is out of range; it must be %lu to %lu", name, given, min,
                    max);
    return true;
}

static bool flag(struct parser *p, const char *name, bool otherwise, bool *value)
{
    const char *given = attribute(p, name);

    *value = given ? strcmp(given, "true") == 0 : otherwise;
    if (given && !*value && strcmp(given, "false") != 0)
        return FAIL(p, "%s=\"%.40s\" is not a truth value; it must be \"true\" or \"false\"", name,
                    given);
    return true;
}

static bool only_cpu_0(struct parser *p)
{
    uint64_t cpu;

    return number(p, "cpu", 0, 0, UINT64_MAX, &cpu) &&
           (cpu == 0 ||
            FAIL(p, "cpu=\"%lu\": this kernel runs on one core; it must be \"0\"", cpu));
}

/* Reads the name of the object that was added last, which is number `index` of its kind. */
static bool name_of(struct parser *p, enum name_kind kind, unsigned index, const char **name)
{
    struct name new = { kind, text(p, "name"), current_line(p), index };

    *name = new.text;
    if (!*new.text || (kind != NAME_REGION && strlen(new.text) >= IMAGE_NAME_BYTES))
        return FAIL(p, "the name \"%.20s\" has a wrong length; it must have 1 to %d bytes",
                    new.text, IMAGE_NAME_BYTES - 1);
    const struct name *first = model_find(p->s, kind, new.text);
    if (first)
        return FAIL(p, "%s \"%s\" exists already, in line %lu; give it another name",
                    model_kinds[kind], new.text, first->line);
    *MODEL_ADD(p->s, names) = new;
    return true;
}

static bool schedule(struct parser *p, struct schedule *schedule)
{
    if (!number(p, "priority", 0, 0, 254, &schedule->priority) ||
        !number(p, "budget", DEFAULT_BUDGET, 1, UINT32_MAX, &schedule->budget_us) ||
        !number(p, "period", schedule->budget_us, 1, UINT32_MAX, &schedule->period_us))
        return false;
    if (schedule->budget_us > schedule->period_us)
        return FAIL(p,
                    "the budget (%lu us) is more than the period (%lu us); the budget must be the "
                    "smaller one",
                    schedule->budget_us, schedule->period_us);
    return true;
}

static bool permissions(struct parser *p, unsigned *perms)
{
    const char *given = attribute(p, "perms");
    static const char letters[] = "rwx";

    *perms = given ? 0 : PERM_READ | PERM_WRITE;
    for (const char *c = given ? given : ""; *c; c++) {
        const char *letter = strchr(letters, *c);
        unsigned bit = letter ? 1u << (letter - letters) : 0;
        if (!bit || (*perms & bit))
            return FAIL(p, "perms=\"%.40s\" is wrong; use each of r, w, x at most once", given);
        *perms |= bit;
    }
    if (!(*perms & PERM_READ))
        return FAIL(p, "perms=\"%.40s\" cannot be had without reading; add r", given);
    return true;
}

/* ---- Elements -------------------------------------------------------------------------------- */

static bool start_region(struct parser *p)
{
    struct region *region = MODEL_ADD(p->s, regions);

    region->line = current_line(p);
    region->prefill_path = text(p, "prefill_path");
    region->fixed = attribute(p, "phys_addr") != NULL;
    if (!name_of(p, NAME_REGION, p->s->num_regions - 1, &region->name))
        return false;
    if (!region->prefill_path && !attribute(p, "size"))
        return FAIL(p, "memory_region \"%s\" has no size; give size or prefill_path", region->name);
    if (region->prefill_path && region->fixed)
        return FAIL(p,
                    "memory_region \"%s\" has prefill_path and phys_addr; its place is in the "
                    "image, so leave phys_addr out",
                    region->name);
    if (!number(p, "size", 0, 1, 1ul << 48, &region->size) ||
        !number(p, "page_size", 0, 0, UINT64_MAX, &region->page_size) ||
        !number(p, "phys_addr", 0, 0, (1ul << 48) - 1, &region->paddr))
        return false;
    if (attribute(p, "page_size") && region->page_size != MODEL_PAGE &&
        region->page_size != MODEL_LARGE_PAGE)
        return FAIL(p, "page_size=\"%.40s\" does not exist; it must be 0x1000 or 0x200000",
                    attribute(p, "page_size"));
    return true;
}

/* The id that a PD has under its parent. */
static bool child_id(struct parser *p, struct pd *pd)
{
    if ((pd->parent != MODEL_NONE) != (attribute(p, "id") != NULL))
        return FAIL(p, "protection_domain \"%s\" %s", pd->name,
                    pd->parent == MODEL_NONE
                        ? "has an id but no parent; leave id out"
                        : "is a child without an id; give it one, for its parent to know it by");
    return number(p, "id", 0, 0, IMAGE_MAX_CHANNEL - 1, &pd->id);
}

static bool start_pd(struct parser *p)
{
    if (p->s->num_pds == IMAGE_MAX_PDS)
        return FAIL(p, "there are more than %d protection domains; put some together",
                    IMAGE_MAX_PDS);
    struct pd *pd = MODEL_ADD(p->s, pds);
    pd->line = current_line(p);
    pd->parent = p->pd;
    pd->vm = MODEL_NONE;
    p->pd = p->s->num_pds - 1;
    if (!name_of(p, NAME_PD, p->pd, &pd->name) || !schedule(p, &pd->schedule) || !child_id(p, pd) ||
        !flag(p, "passive", false, &pd->passive) || !flag(p, "smc", false, &pd->smc) ||
        !only_cpu_0(p) ||
        !number(p, "stack_size", DEFAULT_STACK, MODEL_PAGE, MAX_STACK, &pd->stack_bytes))
        return false;
    return pd->stack_bytes % MODEL_PAGE == 0 ||
           FAIL(p, "stack_size=\"%.40s\" is not a multiple of the page size, 0x1000",
                attribute(p, "stack_size"));
}

static bool start_program(struct parser *p)
{
    struct pd *pd = &p->s->pds[p->pd];

    if (pd->program_path)
        return FAIL(p, "protection_domain \"%s\" has a second program_image; one is right",
                    pd->name);
    pd->program_path = text(p, "path");
    pd->program_line = current_line(p);
    return true;
}

/* Notes the variable that an attribute names, if it is there. */
static void add_setvar(struct parser *p, const char *name, enum setvar_kind kind, unsigned of)
{
    if (attribute(p, name))
        *MODEL_ADD(p->s, setvars) = (struct setvar){ .line = current_line(p),
                                                     .pd = p->pd,
                                                     .symbol = text(p, name),
                                                     .kind = kind,
                                                     .of = of,
                                                     .region_name = text(p, "region_paddr") };
}

static bool start_map(struct parser *p)
{
    struct mapping *mapping = MODEL_ADD(p->s, mappings);
    unsigned index = p->s->num_mappings - 1;

    mapping->line = current_line(p);
    mapping->in_vm = p->open[p->depth] == VM;
    mapping->owner = mapping->in_vm ? p->s->pds[p->pd].vm : p->pd;
    mapping->region_name = text(p, "mr");
    if (!number(p, "vaddr", 0, 0, UINT64_MAX, &mapping->vaddr) ||
        !permissions(p, &mapping->perms) || !flag(p, "cached", true, &mapping->cached))
        return false;
    add_setvar(p, "setvar_vaddr", SETVAR_VADDR, index);
    add_setvar(p, "setvar_size", SETVAR_SIZE, index);
    return !mapping->in_vm || (!attribute(p, "setvar_vaddr") && !attribute(p, "setvar_size")) ||
           FAIL(
               p,
               "a virtual machine has no variables to set; leave setvar_vaddr and setvar_size out");
}

static bool start_irq(struct parser *p)
{
    struct irq *irq = MODEL_ADD(p->s, irqs);
    const char *trigger = attribute(p, "trigger");

    irq->line = current_line(p);
    irq->pd = p->pd;
    irq->edge = trigger && strcmp(trigger, "edge") == 0;
    if (trigger && !irq->edge && strcmp(trigger, "level") != 0)
        return FAIL(p, "trigger=\"%.40s\" does not exist; it must be \"level\" or \"edge\"",
                    trigger);
    add_setvar(p, "setvar_id", SETVAR_ID, p->s->num_irqs - 1);
    return only_cpu_0(p) && number(p, "irq", 0, 0, UINT32_MAX, &irq->named) &&
           number(p, "id", 0, 0, IMAGE_MAX_CHANNEL - 1, &irq->id);
}

static bool start_setvar(struct parser *p)
{
    add_setvar(p, "symbol", SETVAR_PADDR, MODEL_NONE);
    return true;
}

static bool start_vm(struct parser *p)
{
    struct pd *pd = &p->s->pds[p->pd];

    if (pd->vm != MODEL_NONE)
        return FAIL(p, "protection_domain \"%s\" has a second virtual_machine; a VMM has one",
                    pd->name);
    struct vm *vm = MODEL_ADD(p->s, vms);
    pd->vm = p->s->num_vms - 1;
    vm->line = current_line(p);
    vm->pd = p->pd;
    return name_of(p, NAME_VM, pd->vm, &vm->name) && schedule(p, &vm->schedule);
}

static bool start_vcpu(struct parser *p)
{
    if (p->s->num_vcpus == IMAGE_MAX_VCPUS)
        return FAIL(p, "there are more than %d vcpus; take some out", IMAGE_MAX_VCPUS);
    struct vcpu *vcpu = MODEL_ADD(p->s, vcpus);
    vcpu->line = current_line(p);
    vcpu->vm = p->s->pds[p->pd].vm;
    return only_cpu_0(p) && number(p, "id", 0, 0, IMAGE_VM_VCPUS - 1, &vcpu->id);
}

static bool start_channel(struct parser *p)
{
    MODEL_ADD(p->s, channels)->line = current_line(p);
    return true;
}

static bool start_end(struct parser *p)
{
    struct channel *channel = &p->s->channels[p->s->num_channels - 1];

    if (channel->num_ends == 2)
        return FAIL(p, "the channel has a third end; two are right");
    struct channel_end *end = &channel->end[channel->num_ends++];
    end->line = current_line(p);
    end->pd_name = text(p, "pd");
    return number(p, "id", 0, 0, IMAGE_MAX_CHANNEL - 1, &end->id) &&
           flag(p, "pp", false, &end->may_call) && flag(p, "notify", true, &end->may_notify);
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

/* ---- The document's frame -------------------------------------------------------------------- */

static bool is_word_of(const char *word, const char *words)
{
    size_t length = strlen(word);

    for (const char *at = words; *at; at += strspn(at, " ")) {
        size_t other = strcspn(at, " ");
        if (other == length && memcmp(at, word, length) == 0)
            return true;
        at += other;
    }
    return false;
}

static bool check_attributes(struct parser *p, const struct element *element)
{
    for (const char **a = p->attributes; *a; a += 2)
        if (!is_word_of(*a, element->required) && !is_word_of(*a, element->optional))
            return FAIL(p, "unknown attribute \"%.40s\" of %s; it may have: %s%s%s", *a,
                        element->name, element->required, *element->required ? " " : "",
                        *element->optional || *element->required ? element->optional : "none");
    for (const char *at = element->required; *at; at += strspn(at, " ")) {
        char word[32];
        size_t length = strcspn(at, " ");
        snprintf(word, sizeof word, "%.*s", (int)length, at);
        if (!attribute(p, word))
            return FAIL(p, "%s has no attribute \"%s\"; add it", element->name, word);
        at += length;
    }
    return true;
}

static bool refuse_element(struct parser *p, const char *name, enum element_id parent)
{
    char allowed[MAX_ALLOWED_TEXT] = "";

    for (size_t i = SYSTEM; i < NUM_ELEMENTS; i++) {
        size_t used = strlen(allowed);
        if (elements[i].parents & IN(parent))
            snprintf(allowed + used, sizeof allowed - used, " %s", elements[i].name);
    }
    return FAIL(p, "unknown element \"%.40s\" in %s; it may hold:%s", name,
                parent == DOCUMENT ? "the document" : elements[parent].name,
                allowed[0] ? allowed : " nothing");
}

static bool open_element(struct parser *p, const char *name)
{
    enum element_id parent = p->open[p->depth];

    for (enum element_id id = SYSTEM; id < NUM_ELEMENTS; id++) {
        const struct element *element = &elements[id];
        if (!(element->parents & IN(parent)) || strcmp(name, element->name) != 0)
            continue;
        /* start() sees the parent as the innermost open element. The depth has a bound, because
         * only PDs nest, and there are at most IMAGE_MAX_PDS. */
        if (!check_attributes(p, element) || (element->start && !element->start(p)))
            return false;
        p->open[++p->depth] = id;
        return true;
    }
    return refuse_element(p, name, parent);
}

static void stop_unless(struct parser *p, bool good)
{
    if (good)
        return;
    p->failed = true;
    XML_StopParser(p->expat, XML_FALSE);
}

static void XMLCALL on_start(void *user, const char *name, const char **attributes)
{
    struct parser *p = user;

    if (p->failed)
        return;
    p->attributes = attributes;
    stop_unless(p, open_element(p, name));
}

/* Expat calls this for an empty element even when on_start() has stopped it. */
static void XMLCALL on_end(void *user, const char *name)
{
    struct parser *p = user;

    (void)name;
    if (!p->failed && p->open[p->depth--] == PD)
        p->pd = p->s->pds[p->pd].parent;
}

static void XMLCALL on_text(void *user, const char *bytes, int length)
{
    struct parser *p = user;

    for (int i = 0; i < length && !p->failed; i++)
        if (!strchr(" \t\r\n", bytes[i]))
            stop_unless(p, FAIL(p, "there is text here; take it out or make it a comment"));
}

/* No document type, so no entities: their expansion is the way to make a small file endless. */
static void XMLCALL on_doctype(void *user, const char *name, const char *sysid, const char *pubid,
                               int has_internal_subset)
{
    struct parser *p = user;

    (void)name, (void)sysid, (void)pubid, (void)has_internal_subset;
    stop_unless(p, FAIL(p, "a document type is not supported; take <!DOCTYPE> out"));
}

bool xml_parse(struct system *system, const char *bytes, size_t size)
{
    struct parser parser = { .s = system, .pd = MODEL_NONE };

    if (size > INT32_MAX || !(parser.expat = XML_ParserCreate(NULL)))
        return error_at(system->error, 0, "the file is too large for a system file");
    XML_SetUserData(parser.expat, &parser);
    XML_SetElementHandler(parser.expat, on_start, on_end);
    XML_SetCharacterDataHandler(parser.expat, on_text);
    XML_SetStartDoctypeDeclHandler(parser.expat, on_doctype);
    bool good = XML_Parse(parser.expat, bytes, (int)size, true) == XML_STATUS_OK && !parser.failed;
    if (!good) /* unless there is an error already */
        FAIL(&parser, "this is not XML: %s; correct the markup here or just before",
             XML_ErrorString(XML_GetErrorCode(parser.expat)));
    XML_ParserFree(parser.expat);
    return good;
}
