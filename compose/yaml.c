/* SPDX-License-Identifier: BSD-2-Clause */
#include "compose/keys.h"

#include <string.h>
#include <yaml.h>

#define MAX_KEYS 24 /* of one map; more than any table has */

/* A file that is being read: libyaml's tree of nodes. */
struct reader {
    struct diag *diag;
    const char *bytes;
    size_t length;
    yaml_parser_t parser;
    yaml_document_t document;
};

static void read_map(struct reader *reader, const yaml_node_t *node, const struct key_table *table,
                     void *out);
static void read_value(struct reader *reader, const yaml_node_t *node, const struct key *key,
                       void *out);

static struct mark mark_of(yaml_mark_t mark)
{
    return (struct mark){ .line = (unsigned)mark.line + 1, .column = (unsigned)mark.column + 1 };
}

static struct mark place_of(const yaml_node_t *node)
{
    return mark_of(node->start_mark);
}

static const char *kind_of(const yaml_node_t *node)
{
    return node->type == YAML_MAPPING_NODE    ? "a map"
           : node->type == YAML_SEQUENCE_NODE ? "a list"
                                              : "a single value";
}

/* Returns a scalar's text, or NULL if it holds a zero byte, which no value may. */
static const char *text_of(struct reader *reader, const yaml_node_t *node)
{
    const char *bytes = (const char *)node->data.scalar.value;
    size_t length = node->data.scalar.length;
    return memchr(bytes, 0, length) == NULL ? arena_copy(reader->diag->arena, bytes, length) : NULL;
}

static const char *known_keys(struct reader *reader, const struct key_table *table,
                              const char **words)
{
    for (size_t i = 0; i < table->num_keys; i++) {
        words[i] = table->keys[i].name;
    }
    words[table->num_keys] = NULL;
    return diag_join(reader->diag->arena, words);
}

/* Returns the key that a node names; tells an error and returns NULL if there is none. */
static const struct key *find_key(struct reader *reader, const yaml_node_t *node,
                                  const struct key_table *table)
{
    if (node->type != YAML_SCALAR_NODE) {
        diag_error(reader->diag, place_of(node),
                   "%s stands where a key of %s is expected; write `key: value`", kind_of(node),
                   table->what);
        return NULL;
    }
    const char *text = text_of(reader, node);
    for (size_t i = 0; text != NULL && i < table->num_keys; i++) {
        if (strcmp(table->keys[i].name, text) == 0) {
            return &table->keys[i];
        }
    }
    const char *words[MAX_KEYS + 1];
    const char *known = known_keys(reader, table, words);
    const char *word = text == NULL ? "" : text;
    diag_error(reader->diag, place_of(node), "unknown key %s in %s%s; the keys are %s",
               diag_quote(reader->diag->arena, word), table->what,
               diag_meant(reader->diag->arena, word, words), known);
    return NULL;
}

static void read_scalar(struct reader *reader, const yaml_node_t *node, const struct key *key,
                        struct value *value)
{
    if (node->type != YAML_SCALAR_NODE) {
        diag_error(reader->diag, place_of(node), "'%s' is %s; it must be %s", key->name,
                   kind_of(node), scalar_wanted(reader->diag->arena, key));
        return;
    }
    const char *text = text_of(reader, node);
    if (text == NULL) {
        diag_error(reader->diag, place_of(node), "'%s' holds a zero byte; it must be %s", key->name,
                   scalar_wanted(reader->diag->arena, key));
        return;
    }
    value->at = place_of(node);
    scalar_read(reader->diag, key, text, value);
}

/* A list may hold lists, to the depth of the table of keys. */
static size_t element_bytes(const struct key *key)
{
    return key->table != NULL               ? key->table->bytes
           : key->element->kind == KEY_LIST ? sizeof(struct list)
                                            : sizeof(struct value);
}

static void read_list(struct reader *reader, const yaml_node_t *node, const struct key *key,
                      struct list *list)
{
    if (node->type != YAML_SEQUENCE_NODE) {
        diag_error(reader->diag, place_of(node),
                   "'%s' is %s; it must be a list, each element beginning with '- '", key->name,
                   kind_of(node));
        return;
    }
    list->at = place_of(node);
    size_t count = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
    if (count < key->min || count > key->max) {
        diag_error(reader->diag, list->at, "'%s' has %zu elements; it must have %zu to %zu",
                   key->name, count, (size_t)key->min, (size_t)key->max);
        return;
    }
    size_t bytes = element_bytes(key);
    list->items = arena_alloc(reader->diag->arena, count * bytes);
    list->count = count;
    for (size_t i = 0; i < count; i++) {
        int item = node->data.sequence.items.start[i];
        const yaml_node_t *item_node = yaml_document_get_node(&reader->document, item);
        void *out = (char *)list->items + i * bytes;
        if (key->element != NULL) {
            read_value(reader, item_node, key->element, out);
        } else {
            read_map(reader, item_node, key->table, out);
        }
    }
}

/* Numbers of keys that are not written. */
static void set_initial(const struct key_table *table, void *out)
{
    for (size_t i = 0; i < table->num_keys; i++) {
        const struct key *key = &table->keys[i];
        void *member = (char *)out + key->offset;
        if (key->kind == KEY_MAP || key->kind == KEY_SWITCH_MAP) {
            set_initial(key->table, member);
        } else if (key->kind != KEY_LIST) {
            ((struct value *)member)->number = key->initial;
        }
    }
}

static void read_value(struct reader *reader, const yaml_node_t *node, const struct key *key,
                       void *out)
{
    if (key->kind == KEY_LIST) {
        read_list(reader, node, key, out);
    } else if (key->kind == KEY_MAP ||
               (key->kind == KEY_SWITCH_MAP && node->type != YAML_SCALAR_NODE)) {
        read_map(reader, node, key->table, out);
    } else if (key->kind == KEY_SWITCH_MAP) {
        struct key enabled = key->table->keys[0];
        enabled.name = key->name; /* as the person wrote it */
        read_scalar(reader, node, &enabled, (struct value *)((char *)out + enabled.offset));
    } else {
        read_scalar(reader, node, key, out);
    }
}

static void check_required(struct reader *reader, struct mark at, const struct key_table *table,
                           const struct mark *seen)
{
    for (size_t i = 0; i < table->num_keys; i++) {
        const struct key *key = &table->keys[i];
        if (key->required && seen[i].line == 0) {
            diag_error(reader->diag, at, "%s has no '%s'; add `%s:` (%s)", table->what, key->name,
                       key->name, key->help);
        }
    }
}

/* Reads one `key: value`; `seen` is where each key was met before. */
static void read_pair(struct reader *reader, const yaml_node_pair_t *pair,
                      const struct key_table *table, struct mark *seen, void *out)
{
    const yaml_node_t *key_node = yaml_document_get_node(&reader->document, pair->key);
    const struct key *key = find_key(reader, key_node, table);
    if (key == NULL) {
        return;
    }
    struct mark *before = &seen[key - table->keys];
    if (before->line != 0) {
        diag_error(reader->diag, place_of(key_node),
                   "'%s' is given twice in %s, first in line %u; remove one", key->name,
                   table->what, before->line);
        return;
    }
    *before = place_of(key_node);
    const yaml_node_t *value = yaml_document_get_node(&reader->document, pair->value);
    read_value(reader, value, key, (char *)out + key->offset);
}

static void read_map(struct reader *reader, const yaml_node_t *node, const struct key_table *table,
                     void *out)
{
    struct mark at = place_of(node);
    if (node->type != YAML_MAPPING_NODE) {
        diag_error(reader->diag, at, "%s must be a map of `key: value` lines, this is %s",
                   table->what, kind_of(node));
        return;
    }
    *(struct mark *)out = at; /* every structure of the model begins so */
    set_initial(table, out);
    struct mark seen[MAX_KEYS] = { 0 };
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        read_pair(reader, pair, table, seen, out);
    }
    check_required(reader, at, table, seen);
}

static bool ends_line(const struct reader *reader, size_t at)
{
    bool is_crlf = at + 1 < reader->length && memcmp(reader->bytes + at, "\r\n", 2) == 0;
    return reader->bytes[at] == '\n' || (reader->bytes[at] == '\r' && !is_crlf);
}

static bool begins_character(char byte)
{
    return ((unsigned char)byte & 0xc0) != 0x80;
}

/* Where the parser has stopped. Where the bytes are not text, libyaml gives an offset only. */
static struct mark problem_place(const struct reader *reader)
{
    const yaml_parser_t *parser = &reader->parser;
    struct mark at = { .line = 1, .column = 1 };
    if (parser->error != YAML_READER_ERROR) {
        return mark_of(parser->problem_mark);
    }
    for (size_t i = 0; i < parser->problem_offset && i < reader->length; i++) {
        if (ends_line(reader, i)) {
            at = (struct mark){ .line = at.line + 1, .column = 1 };
        } else {
            at.column += begins_character(reader->bytes[i]);
        }
    }
    return at;
}

/* Loads the next document and returns its root, NULL if it is empty; tells an error and returns
 * false where the bytes are no YAML. */
static bool load(struct reader *reader, yaml_node_t **root)
{
    const yaml_parser_t *parser = &reader->parser;
    if (yaml_parser_load(&reader->parser, &reader->document)) {
        *root = yaml_document_get_root_node(&reader->document);
        return true;
    }
    const char *from = "";
    if (parser->context != NULL && parser->context_mark.line != parser->problem_mark.line) {
        from = arena_printf(reader->diag->arena, " (%s from line %zu on)", parser->context,
                            parser->context_mark.line + 1);
    }
    diag_error(reader->diag, problem_place(reader),
               "this is not YAML: %s%s; mend the indentation, colon or quote here",
               parser->problem == NULL ? "unreadable" : parser->problem, from);
    return false;
}

static void read_documents(struct reader *reader, struct model *model)
{
    yaml_node_t *root;
    if (!load(reader, &root)) {
        return;
    }
    if (root == NULL) {
        diag_error(reader->diag, (struct mark){ 1, 1, NULL },
                   "the file is empty; it must begin with `system: NAME`");
    } else {
        read_map(reader, root, &system_keys, model);
        yaml_document_delete(&reader->document);
        /* One file is one system: whatever follows the first document is a mistake. */
        if (!load(reader, &root)) {
            return;
        }
        if (root != NULL) {
            diag_error(reader->diag, place_of(root),
                       "a second document begins here; a file describes one system, remove the "
                       "line '---'");
        }
    }
    yaml_document_delete(&reader->document);
}

/* Steps over a byte order mark, as editors write one; it counts in no line and column. */
static void skip_byte_order_mark(struct reader *reader)
{
    static const char mark[] = { '\xef', '\xbb', '\xbf' };
    if (reader->length >= sizeof(mark) && memcmp(reader->bytes, mark, sizeof(mark)) == 0) {
        reader->bytes += sizeof(mark);
        reader->length -= sizeof(mark);
    }
}

/* No YAML file in UTF-8 begins with these bytes: either of UTF-16's byte order marks, or an ASCII
 * character in UTF-16. */
static bool is_utf16(const unsigned char *bytes, size_t length)
{
    return length >= 2 &&
           ((bytes[0] == 0xff && bytes[1] == 0xfe) || (bytes[0] == 0xfe && bytes[1] == 0xff) ||
            bytes[0] == 0 || bytes[1] == 0);
}

bool yaml_read(struct diag *diag, const void *bytes, size_t length, struct model *model)
{
    struct reader reader = { .diag = diag, .bytes = bytes, .length = length };
    unsigned errors = diag->errors;
    memset(model, 0, sizeof(*model));
    if (is_utf16(bytes, length)) {
        diag_error(diag, (struct mark){ 1, 1, NULL },
                   "the file is encoded in UTF-16; save it in UTF-8, as `iconv -f UTF-16 -t UTF-8` "
                   "does");
        return false;
    }
    skip_byte_order_mark(&reader);
    if (!yaml_parser_initialize(&reader.parser)) {
        diag_error(diag, (struct mark){ 0 }, "out of memory");
        return false;
    }
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)reader.bytes,
                                 reader.length);
    read_documents(&reader, model);
    yaml_parser_delete(&reader.parser);
    return diag->errors == errors;
}
