/* SPDX-License-Identifier: BSD-2-Clause */
#include "compose/diag.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#define QUOTE_BYTES   48 /* of a wrong word, this much is shown */
#define WORD_BYTES    32 /* longer words are not guessed at */
#define NEAR_MISTAKES 2

void diag_error(struct diag *diag, struct mark at, const char *format, ...)
{
    const char *file = at.file == NULL ? diag->file : at.file;
    va_list arguments;
    diag->errors++;
    fputs(file, diag->out);
    if (at.line != 0) {
        fprintf(diag->out, ":%u:%u", at.line, at.column);
    }
    fputs(": error: ", diag->out);
    va_start(arguments, format);
    vfprintf(diag->out, format, arguments);
    va_end(arguments);
    fputc('\n', diag->out);
}

/* Levenshtein's distance of two words of less than WORD_BYTES characters. */
static unsigned distance(const char *a, const char *b)
{
    unsigned row[WORD_BYTES];
    size_t columns = strlen(b);
    for (unsigned j = 0; j <= columns; j++) {
        row[j] = j;
    }
    for (unsigned i = 1; a[i - 1] != '\0'; i++) {
        unsigned diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= columns; j++) {
            unsigned above = row[j];
            unsigned changed = diagonal + (a[i - 1] != b[j - 1]);
            unsigned other = (above < row[j - 1] ? above : row[j - 1]) + 1;
            row[j] = changed < other ? changed : other;
            diagonal = above;
        }
    }
    return row[columns];
}

const char *diag_meant(struct arena *arena, const char *word, const char *const *words)
{
    const char *nearest = NULL;
    unsigned least = NEAR_MISTAKES + 1;
    for (; *words != NULL && strlen(word) < WORD_BYTES; words++) {
        unsigned mistakes = strlen(*words) < WORD_BYTES ? distance(word, *words) : least;
        /* Half of a short word wrong is no guess: "cols" was not meant to be "rows". */
        if (mistakes < least && strlen(word) > 2ul * mistakes) {
            least = mistakes;
            nearest = *words;
        }
    }
    return nearest == NULL ? "" : arena_printf(arena, " (did you mean '%s'?)", nearest);
}

const char *diag_join(struct arena *arena, const char *const *words)
{
    const char *joined = "";
    for (size_t i = 0; words[i] != NULL; i++) {
        joined = i == 0 ? words[i] : arena_printf(arena, "%s, %s", joined, words[i]);
    }
    return joined;
}

const char *diag_quote(struct arena *arena, const char *text)
{
    size_t length = strlen(text);
    bool cut = length > QUOTE_BYTES;
    char *quoted = arena_copy(arena, text, cut ? QUOTE_BYTES : length);
    for (char *c = quoted; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f) {
            *c = '?';
        }
    }
    return arena_printf(arena, "'%s%s'", quoted, cut ? "..." : "");
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    size_t bytes = length < 0 ? 1 : (size_t)length + 1;
    char *text = arena_alloc(arena, bytes);
    va_start(arguments, format);
    (void)vsnprintf(text, bytes, format, arguments);
    va_end(arguments);
    return text;
}

char *arena_size(struct arena *arena, uint64_t bytes)
{
    static const struct {
        unsigned shift;
        char unit;
    } units[] = { { 30, 'G' }, { 20, 'M' }, { 10, 'K' } };
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        uint64_t unit = 1ul << units[i].shift;
        if (bytes >= unit && bytes % unit == 0) {
            return arena_printf(arena, "%" PRIu64 "%c", bytes / unit, units[i].unit);
        }
    }
    return arena_printf(arena, "%" PRIu64 " bytes", bytes);
}
