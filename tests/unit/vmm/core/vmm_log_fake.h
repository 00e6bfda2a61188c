/* SPDX-License-Identifier: BSD-2-Clause */
/* A vmm_log() that keeps what was logged, one line after another. */
#pragma once

#include "sdk/libc/format.h"
#include "vmm/core/vmm_log.h"

#include <stdarg.h>
#include <string.h>

static char logged[8192];

void vmm_log(const char *format, ...)
{
    va_list args;
    size_t used = strlen(logged);
    va_start(args, format);
    used += format_text_v(logged + used, sizeof(logged) - used - 1, format, args);
    va_end(args);
    strcpy(logged + used, "\n");
}
