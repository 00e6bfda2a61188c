/* SPDX-License-Identifier: BSD-2-Clause */
#include "sdk/tool/error.h"
#include <stdarg.h>
#include <stdio.h>

static void note(struct error *error, const char *place, const char *format, va_list arguments)
{
    if (error->text[0])
        return;
    int used = snprintf(error->text, sizeof error->text, "%s: error: ", place);
    if (used > 0 && (size_t)used < sizeof error->text)
        vsnprintf(error->text + used, sizeof error->text - (size_t)used, format, arguments);
}

bool error_at(struct error *error, unsigned long line, const char *format, ...)
{
    char place[512];
    va_list arguments;

    if (line)
        snprintf(place, sizeof place, "%s:%lu", error->file, line);
    else
        snprintf(place, sizeof place, "%s", error->file);
    va_start(arguments, format);
    note(error, place, format, arguments);
    va_end(arguments);
    return false;
}

bool error_in(struct error *error, const char *file, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    note(error, file, format, arguments);
    va_end(arguments);
    return false;
}
