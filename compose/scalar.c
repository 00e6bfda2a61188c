/* SPDX-License-Identifier: BSD-2-Clause */
#include "compose/keys.h"

#include "compose/limits.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGITS  "0123456789"

const char *scalar_wanted(struct arena *arena, const struct key *key)
{
    switch (key->kind) {
    case KEY_NAME:
        return arena_printf(arena, "a name of 1 to %d letters, digits, '-' and '_', a letter first",
                            NAME_MAX_LENGTH);
    case KEY_TEXT:
        return arena_printf(arena, "one line of at most %d characters", CMDLINE_MAX_LENGTH);
    case KEY_PATH:
        return "a file's path";
    case KEY_SIZE:
        return arena_printf(arena, "a size from %s to %s, a multiple of %s, such as 256M",
                            arena_size(arena, key->min), arena_size(arena, key->max),
                            arena_size(arena, key->multiple));
    case KEY_COUNT:
        return arena_printf(arena, "a number from %" PRIu64 " to %" PRIu64, key->min, key->max);
    case KEY_MAC:
        return "the MAC address of one station, such as 52:54:01:00:00:fd";
    case KEY_CHOICE:
        return arena_printf(arena, "one of %s", diag_join(arena, key->choices));
    case KEY_SWITCH_MAP:
        return "true, false or a map";
    case KEY_MAP:
        return "a map of `key: value` lines";
    case KEY_LIST:
        return arena_printf(arena, "a list of %" PRIu64 " to %" PRIu64 " elements", key->min,
                            key->max);
    }
    return "";
}

static bool is_name(const char *text)
{
    size_t length = strlen(text);
    return length > 0 && length <= NAME_MAX_LENGTH && strspn(text, LETTERS) > 0 &&
           strspn(text, LETTERS DIGITS "-_") == length;
}

static bool is_text(const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f) {
            return false;
        }
    }
    return strlen(text) <= CMDLINE_MAX_LENGTH;
}

/* Reads decimal digits; returns where they end, or NULL if there are none or too many. */
static const char *read_digits(const char *text, uint64_t *number)
{
    size_t digits = strspn(text, DIGITS);
    if (digits == 0 || digits > 18) { /* 10^18 fits into 64 bits */
        return NULL;
    }
    *number = 0;
    for (size_t i = 0; i < digits; i++) {
        *number = *number * 10 + (uint64_t)(text[i] - '0');
    }
    return text + digits;
}

static bool read_count(const char *text, uint64_t *number)
{
    const char *end = read_digits(text, number);
    return end != NULL && *end == '\0';
}

/* A size is a number of bytes, or of KiB, MiB, GiB: 256M and 256MiB mean the same. */
static bool read_size(const char *text, uint64_t *number)
{
    static const struct {
        const char *unit;
        unsigned shift;
    } units[] = { { "", 0 },     { "K", 10 }, { "KiB", 10 }, { "M", 20 },
                  { "MiB", 20 }, { "G", 30 }, { "GiB", 30 } };
    const char *end = read_digits(text, number);
    for (size_t i = 0; end != NULL && i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcmp(end, units[i].unit) == 0 && *number <= UINT64_MAX >> units[i].shift) {
            *number <<= units[i].shift;
            return true;
        }
    }
    return false;
}

static int hex_digit(char c)
{
    return c <= '9' ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

static bool in_limits(const struct key *key, uint64_t number)
{
    uint64_t multiple = key->multiple == 0 ? 1 : key->multiple;
    return number >= key->min && number <= key->max && number % multiple == 0;
}

static bool read_choice(const struct key *key, const char *text, uint64_t *number)
{
    for (size_t i = 0; key->choices[i] != NULL; i++) {
        if (strcmp(key->choices[i], text) == 0) {
            *number = i;
            return true;
        }
    }
    return false;
}

/* Six octets in hexadecimal; the lowest bit of the first would mean a group of stations. */
static bool read_mac(const char *text, uint64_t *number)
{
    static const char form[] = "xx:xx:xx:xx:xx:xx";
    *number = 0;
    for (size_t i = 0; i < sizeof(form) - 1; i++) {
        if (form[i] == ':' ? text[i] != ':' : !isxdigit((unsigned char)text[i])) {
            return false;
        }
        if (form[i] == 'x') {
            *number = *number << 4 | (uint64_t)hex_digit(text[i]);
        }
    }
    return text[sizeof(form) - 1] == '\0' && *number != 0 && (*number >> 40 & 1) == 0;
}

static bool read_text(const struct key *key, const char *text, uint64_t *number)
{
    switch (key->kind) {
    case KEY_NAME:
        return is_name(text);
    case KEY_TEXT:
        return is_text(text);
    case KEY_PATH:
        return *text != '\0' && is_text(text);
    case KEY_SIZE:
        return read_size(text, number) && in_limits(key, *number);
    case KEY_COUNT:
        return read_count(text, number) && in_limits(key, *number);
    case KEY_MAC:
        return read_mac(text, number);
    case KEY_CHOICE:
        return read_choice(key, text, number);
    default:
        return false; /* no single values */
    }
}

void scalar_read(struct diag *diag, const struct key *key, const char *text, struct value *value)
{
    value->text = text;
    if (!read_text(key, text, &value->number)) {
        const char *meant =
            key->kind == KEY_CHOICE ? diag_meant(diag->arena, text, key->choices) : "";
        diag_error(diag, value->at, "'%s' is %s%s; it must be %s", key->name,
                   diag_quote(diag->arena, text), meant, scalar_wanted(diag->arena, key));
    }
}
