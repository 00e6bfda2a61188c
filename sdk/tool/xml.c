/* SPDX-License-Identifier: BSD-2-Clause */
/* The system file's elements and attributes, as the Microkit's manual describes them. */
#include "sdk/tool/xml.h"
#include <expat.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MAX_DEPTH        (IMAGE_MAX_PDS + 8) /* PDs in PDs, and what a PD holds */
#define DEFAULT_BUDGET   1000                /* microseconds */
#define DEFAULT_STACK    0x2000
#define MAX_STACK        0x1000000
#define MAX_NAME         (IMAGE_NAME_BYTES - 1)
#define MAX_ALLOWED_TEXT 512

enum element_id { DOCUMENT, SYSTEM, REGION, PD, PROGRAM, MAP, IRQ, SETVAR, VM, VCPU, CHANNEL, END };

struct parser {
    XML_Parser expat;
    struct system *system;
    struct error *error;
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
    bool (*start)(struct parser *parser);
};

#define FAIL(parser, ...)                                                                          \
    error_at((parser)->error, XML_GetCurrentLineNumber((parser)->expat), __VA_ARGS__)

static unsigned long current_line(struct parser *parser)
{
    return XML_GetCurrentLineNumber(parser->expat);
}

/* ---- Attributes ------------------------------------------------------------------------------ */

static const char *attribute(struct parser *parser, const char *name)
{
    for (const char **a = parser->attributes; *a; a += 2)
        if (strcmp(a[0], name) == 0)
            return a[1];
    return NULL;
}

static const char *text(struct parser *parser, const char *name)
{
    return arena_text(parser->system->arena, attribute(parser, name));
}

static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return 255;
}

/* Decimal or 0x and hexadecimal, with underscores between digits. */
static bool parse_number(const char *text, uint64_t *value)
{
    uint64_t base = 10, result = 0;

    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
        base = 16;
        text += 2;
    }
    bool any_digit = false;
    for (; *text; text++) {
        if (*text == '_')
            continue;
        uint64_t digit = (uint64_t)digit_value(*text);
        if (digit >= base || result > (UINT64_MAX - digit) / base)
            return false;
        result = result * base + digit;
        any_digit = true;
    }
    *value = result;
    return any_digit;
}

/* Reads a number from min to max; without the attribute it is `otherwise`. */
static bool number(struct parser *parser, const char *name, uint64_t otherwise, uint64_t min,
                   uint64_t max, uint64_t *value)
{
    const char *given = attribute(parser, name);

    *value = otherwise;
    if (!given)
        return true;
    if (!parse_number(given, value))
        return FAIL(parser, "%s=\"%.40s\" is not a number; write it like 4096, 0x1000 or 0x10_0000",
                    name, given);
    if (*value < min || *value > max)
        return FAIL(parser, "%s=\"%.40s\" is out of range; it must be %" PRIu64 " to %" PRIu64,
                    name, given, min, max);
    return true;
}

static bool flag(struct parser *parser, const char *name, bool otherwise, bool *value)
{
    const char *given = attribute(parser, name);

    *value = given ? strcmp(given, "true") == 0 : otherwise;
    if (given && !*value && strcmp(given, "false") != 0)
        return FAIL(parser, "%s=\"%.40s\" is not a truth value; it must be \"true\" or \"false\"",
                    name, given);
    return true;
}

static bool only_cpu_0(struct parser *parser)
{
    uint64_t cpu;

    if (!number(parser, "cpu", 0, 0, UINT64_MAX, &cpu))
        return false;
    return cpu == 0 ||
           FAIL(parser, "cpu=\"%" PRIu64 "\": this kernel runs on one core; it must be \"0\"", cpu);
}

/* PDs and VMs. */
static bool name_of(struct parser *parser, const char **name)
{
    *name = text(parser, "name");
    if (!**name)
        return FAIL(parser, "the name is empty; give one of 1 to %d bytes", MAX_NAME);
    if (strlen(*name) > MAX_NAME)
        return FAIL(parser, "the name \"%.20s...\" is too long; at most %d bytes are kept", *name,
                    MAX_NAME);
    return true;
}

static bool schedule(struct parser *parser, struct schedule *schedule)
{
    if (!number(parser, "priority", 0, 0, 254, &schedule->priority) ||
        !number(parser, "budget", DEFAULT_BUDGET, 1, UINT32_MAX, &schedule->budget_us) ||
        !number(parser, "period", schedule->budget_us, 1, UINT32_MAX, &schedule->period_us))
        return false;
    if (schedule->budget_us > schedule->period_us)
        return FAIL(parser,
                    "the budget (%" PRIu64 " us) is more than the period (%" PRIu64
                    " us); the budget must be the smaller one",
                    schedule->budget_us, schedule->period_us);
    return true;
}

static bool permissions(struct parser *parser, unsigned *perms)
{
    const char *given = attribute(parser, "perms");
    static const char letters[] = "rwx";

    *perms = given ? 0 : PERM_READ | PERM_WRITE;
    for (const char *c = given ? given : ""; *c; c++) {
        const char *letter = strchr(letters, *c);
        unsigned bit = letter ? 1u << (letter - letters) : 0;
        if (!bit || (*perms & bit))
            return FAIL(parser, "perms=\"%.40s\" is wrong; use each of r, w, x at most once",
                        given);
        *perms |= bit;
    }
    if (!(*perms & PERM_READ))
        return FAIL(parser, "perms=\"%.40s\" cannot be had without reading; add r", given);
    return true;
}

/* ---- Elements -------------------------------------------------------------------------------- */

static bool start_nothing(struct parser *parser)
{
    (void)parser;
    return true;
}

static bool start_region(struct parser *parser)
{
    struct region *region = MODEL_ADD(parser->system, regions);

    region->line = current_line(parser);
    region->name = text(parser, "name");
    region->prefill_path = text(parser, "prefill_path");
    region->fixed = attribute(parser, "phys_addr") != NULL;
    if (!region->prefill_path && !attribute(parser, "size"))
        return FAIL(parser, "memory_region \"%s\" has no size; give size or prefill_path",
                    region->name);
    if (region->prefill_path && region->fixed)
        return FAIL(parser,
                    "memory_region \"%s\" has prefill_path and phys_addr; its place is in "
                    "the image, so leave phys_addr out",
                    region->name);
    if (!number(parser, "size", 0, 1, 1ul << 48, &region->size) ||
        !number(parser, "page_size", 0, 0, UINT64_MAX, &region->page_size) ||
        !number(parser, "phys_addr", 0, 0, (1ul << 48) - 1, &region->paddr))
        return false;
    bool page_size_given = attribute(parser, "page_size") != NULL;
    if (page_size_given && region->page_size != MODEL_PAGE && region->page_size != MODEL_LARGE_PAGE)
        return FAIL(parser, "page_size=\"%.40s\" does not exist; it must be 0x1000 or 0x200000",
                    attribute(parser, "page_size"));
    return true;
}

/* The id that a PD has under its parent. */
static bool child_id(struct parser *parser, struct pd *pd)
{
    bool has_id = attribute(parser, "id") != NULL;

    if (pd->parent == MODEL_NONE && has_id)
        return FAIL(parser, "protection_domain \"%s\" has an id but no parent; leave id out",
                    pd->name);
    if (pd->parent != MODEL_NONE && !has_id)
        return FAIL(parser,
                    "protection_domain \"%s\" is a child without an id; give it one, 0 to "
                    "%d, for its parent to know it by",
                    pd->name, IMAGE_MAX_CHANNEL - 1);
    return number(parser, "id", 0, 0, IMAGE_MAX_CHANNEL - 1, &pd->id);
}

static bool start_pd(struct parser *parser)
{
    if (parser->system->num_pds == IMAGE_MAX_PDS)
        return FAIL(parser, "there are more than %d protection domains; put some together",
                    IMAGE_MAX_PDS);
    struct pd *pd = MODEL_ADD(parser->system, pds);
    pd->line = current_line(parser);
    pd->parent = parser->pd;
    pd->vm = MODEL_NONE;
    parser->pd = parser->system->num_pds - 1;
    if (!name_of(parser, &pd->name) || !schedule(parser, &pd->schedule) || !child_id(parser, pd) ||
        !flag(parser, "passive", false, &pd->passive) || !flag(parser, "smc", false, &pd->smc) ||
        !only_cpu_0(parser) ||
        !number(parser, "stack_size", DEFAULT_STACK, MODEL_PAGE, MAX_STACK, &pd->stack_bytes))
        return false;
    return pd->stack_bytes % MODEL_PAGE == 0 ||
           FAIL(parser, "stack_size=\"%.40s\" is not a multiple of the page size, 0x1000",
                attribute(parser, "stack_size"));
}

static bool start_program(struct parser *parser)
{
    struct pd *pd = &parser->system->pds[parser->pd];

    if (pd->program_path)
        return FAIL(parser, "protection_domain \"%s\" has a second program_image; one is right",
                    pd->name);
    pd->program_path = text(parser, "path");
    pd->program_line = current_line(parser);
    return true;
}

static struct setvar *add_setvar(struct parser *parser, const char *attribute_name,
                                 enum setvar_kind kind, unsigned of)
{
    struct setvar *setvar = MODEL_ADD(parser->system, setvars);

    setvar->line = current_line(parser);
    setvar->pd = parser->pd;
    setvar->symbol = text(parser, attribute_name);
    setvar->kind = kind;
    setvar->of = of;
    return setvar;
}

static bool start_map(struct parser *parser)
{
    struct mapping *mapping = MODEL_ADD(parser->system, mappings);
    unsigned index = parser->system->num_mappings - 1;

    mapping->line = current_line(parser);
    mapping->in_vm = parser->open[parser->depth] == VM;
    mapping->owner = mapping->in_vm ? parser->system->pds[parser->pd].vm : parser->pd;
    mapping->region_name = text(parser, "mr");
    if (!number(parser, "vaddr", 0, 0, UINT64_MAX, &mapping->vaddr) ||
        !permissions(parser, &mapping->perms) || !flag(parser, "cached", true, &mapping->cached))
        return false;
    bool sets_vaddr = attribute(parser, "setvar_vaddr") != NULL;
    bool sets_size = attribute(parser, "setvar_size") != NULL;
    if (mapping->in_vm && (sets_vaddr || sets_size))
        return FAIL(parser, "a virtual machine has no variables to set; put setvar_vaddr and "
                            "setvar_size on a map of a protection domain");
    if (sets_vaddr)
        add_setvar(parser, "setvar_vaddr", SETVAR_VADDR, index);
    if (sets_size)
        add_setvar(parser, "setvar_size", SETVAR_SIZE, index);
    return true;
}

static bool start_irq(struct parser *parser)
{
    struct irq *irq = MODEL_ADD(parser->system, irqs);
    const char *trigger = attribute(parser, "trigger");

    irq->line = current_line(parser);
    irq->pd = parser->pd;
    irq->edge = trigger && strcmp(trigger, "edge") == 0;
    if (trigger && !irq->edge && strcmp(trigger, "level") != 0)
        return FAIL(parser, "trigger=\"%.40s\" does not exist; it must be \"level\" or \"edge\"",
                    trigger);
    if (attribute(parser, "setvar_id"))
        add_setvar(parser, "setvar_id", SETVAR_ID, parser->system->num_irqs - 1);
    return only_cpu_0(parser) && number(parser, "irq", 0, 0, UINT32_MAX, &irq->named) &&
           number(parser, "id", 0, 0, IMAGE_MAX_CHANNEL - 1, &irq->id);
}

static bool start_setvar(struct parser *parser)
{
    add_setvar(parser, "symbol", SETVAR_PADDR, MODEL_NONE)->region_name =
        text(parser, "region_paddr");
    return true;
}

static bool start_vm(struct parser *parser)
{
    struct pd *pd = &parser->system->pds[parser->pd];

    if (pd->vm != MODEL_NONE)
        return FAIL(parser, "protection_domain \"%s\" has a second virtual_machine; a VMM has one",
                    pd->name);
    struct vm *vm = MODEL_ADD(parser->system, vms);
    pd->vm = parser->system->num_vms - 1;
    vm->line = current_line(parser);
    vm->pd = parser->pd;
    return name_of(parser, &vm->name) && schedule(parser, &vm->schedule);
}

static bool start_vcpu(struct parser *parser)
{
    if (parser->system->num_vcpus == IMAGE_MAX_VCPUS)
        return FAIL(parser, "there are more than %d vcpus; take some out", IMAGE_MAX_VCPUS);
    struct vcpu *vcpu = MODEL_ADD(parser->system, vcpus);
    vcpu->line = current_line(parser);
    vcpu->vm = parser->system->pds[parser->pd].vm;
    return only_cpu_0(parser) && number(parser, "id", 0, 0, IMAGE_VM_VCPUS - 1, &vcpu->id);
}

static bool start_channel(struct parser *parser)
{
    MODEL_ADD(parser->system, channels)->line = current_line(parser);
    return true;
}

static bool start_end(struct parser *parser)
{
    struct channel *channel = &parser->system->channels[parser->system->num_channels - 1];

    if (channel->num_ends == 2)
        return FAIL(parser, "the channel has a third end; two are right");
    struct channel_end *end = &channel->end[channel->num_ends++];
    end->line = current_line(parser);
    end->pd_name = text(parser, "pd");
    return number(parser, "id", 0, 0, IMAGE_MAX_CHANNEL - 1, &end->id) &&
           flag(parser, "pp", false, &end->may_call) &&
           flag(parser, "notify", true, &end->may_notify);
}

#define IN(parent) (1u << (parent))

static const struct element elements[] = {
    [SYSTEM] = { "system", IN(DOCUMENT), "", "", start_nothing },
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

static bool check_attributes(struct parser *parser, const struct element *element)
{
    for (const char **a = parser->attributes; *a; a += 2)
        if (!is_word_of(*a, element->required) && !is_word_of(*a, element->optional))
            return FAIL(parser, "unknown attribute \"%.40s\" of %s; it may have: %s%s%s", *a,
                        element->name, element->required, *element->required ? " " : "",
                        *element->optional || *element->required ? element->optional : "none");
    for (const char *at = element->required; *at; at += strspn(at, " ")) {
        char word[32];
        size_t length = strcspn(at, " ");
        snprintf(word, sizeof word, "%.*s", (int)length, at);
        if (!attribute(parser, word))
            return FAIL(parser, "%s has no attribute \"%s\"; add it", element->name, word);
        at += length;
    }
    return true;
}

static bool refuse_element(struct parser *parser, const char *name, enum element_id parent)
{
    char allowed[MAX_ALLOWED_TEXT] = "";

    for (size_t i = SYSTEM; i < NUM_ELEMENTS; i++) {
        size_t used = strlen(allowed);
        if (elements[i].parents & IN(parent))
            snprintf(allowed + used, sizeof allowed - used, " %s", elements[i].name);
    }
    return FAIL(parser, "unknown element \"%.40s\" in %s; it may hold:%s", name,
                parent == DOCUMENT ? "the document" : elements[parent].name,
                allowed[0] ? allowed : " nothing");
}

static bool open_element(struct parser *parser, const char *name)
{
    enum element_id parent = parser->open[parser->depth];

    for (enum element_id id = SYSTEM; id < NUM_ELEMENTS; id++) {
        const struct element *element = &elements[id];
        if (!(element->parents & IN(parent)) || strcmp(name, element->name) != 0)
            continue;
        /* start() sees the parent as the innermost open element. The depth has a bound, because
         * only PDs nest, and there are at most IMAGE_MAX_PDS. */
        if (!check_attributes(parser, element) || !element->start(parser))
            return false;
        parser->open[++parser->depth] = id;
        return true;
    }
    return refuse_element(parser, name, parent);
}

static bool close_element(struct parser *parser)
{
    const struct system *system = parser->system;
    const struct pd *pd = parser->pd == MODEL_NONE ? NULL : &system->pds[parser->pd];

    switch (parser->open[parser->depth--]) {
    case PD:
        parser->pd = pd->parent;
        return pd->program_path || error_at(parser->error, pd->line,
                                            "protection_domain \"%s\" has no program; add "
                                            "<program_image path=\"...\" />",
                                            pd->name);
    case VM:
        return (system->num_vcpus && system->vcpus[system->num_vcpus - 1].vm == pd->vm) ||
               error_at(parser->error, system->vms[pd->vm].line,
                        "virtual_machine \"%s\" has no vcpu; add <vcpu id=\"0\" />",
                        system->vms[pd->vm].name);
    case CHANNEL:
        return system->channels[system->num_channels - 1].num_ends == 2 ||
               FAIL(parser, "the channel has fewer than two ends; add <end pd=\"...\" "
                            "id=\"...\" />");
    default:
        return true;
    }
}

static void stop_unless(struct parser *parser, bool good)
{
    if (good)
        return;
    parser->failed = true;
    XML_StopParser(parser->expat, XML_FALSE);
}

static void XMLCALL on_start(void *user, const char *name, const char **attributes)
{
    struct parser *parser = user;

    if (parser->failed)
        return;
    parser->attributes = attributes;
    stop_unless(parser, open_element(parser, name));
}

/* Expat calls this for an empty element even when on_start() has stopped it. */
static void XMLCALL on_end(void *user, const char *name)
{
    struct parser *parser = user;

    (void)name;
    if (!parser->failed)
        stop_unless(parser, close_element(parser));
}

static void XMLCALL on_text(void *user, const char *bytes, int length)
{
    struct parser *parser = user;

    for (int i = 0; i < length && !parser->failed; i++)
        if (!strchr(" \t\r\n", bytes[i]))
            stop_unless(parser, FAIL(parser, "there is text outside of any attribute; take it out "
                                             "or make it a comment"));
}

/* No document type, so no entities: their expansion is the way to make a small file endless. */
static void XMLCALL on_doctype(void *user, const char *name, const char *sysid, const char *pubid,
                               int has_internal_subset)
{
    struct parser *parser = user;

    (void)name, (void)sysid, (void)pubid, (void)has_internal_subset;
    stop_unless(parser, FAIL(parser, "a document type is not supported; take <!DOCTYPE> out"));
}

bool xml_parse(struct system *system, const char *bytes, size_t size, struct error *error)
{
    struct parser parser = { .system = system, .error = error, .pd = MODEL_NONE };

    if (size > INT32_MAX)
        return error_at(error, 0, "the file is too large for a system file");
    parser.expat = XML_ParserCreate(NULL);
    if (!parser.expat)
        return error_at(error, 0, "no memory left for the XML parser");
    XML_SetUserData(parser.expat, &parser);
    XML_SetElementHandler(parser.expat, on_start, on_end);
    XML_SetCharacterDataHandler(parser.expat, on_text);
    XML_SetStartDoctypeDeclHandler(parser.expat, on_doctype);
    bool good = XML_Parse(parser.expat, bytes, (int)size, true) == XML_STATUS_OK && !parser.failed;
    if (!good)
        FAIL(&parser, "this is not XML: %s; correct the markup here or just before",
             XML_ErrorString(XML_GetErrorCode(parser.expat)));
    XML_ParserFree(parser.expat);
    return good;
}
