/* SPDX-License-Identifier: BSD-2-Clause */
#include "sdk/tool/error.h"
#include <stdarg.h>
#include <stdio.h>

bool error_at(struct error *error, unsigned long line, const char *format, ...)
{
    char sentence[sizeof error->text / 2], number[24] = "";
    va_list arguments;

    if (error->text[0])
        return false;
    if (line)
        snprintf(number, sizeof number, ":%lu", line);
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    snprintf(error->text, sizeof error->text, "%.900s%s: error: %s", error->file, number, sentence);
    return false;
}
