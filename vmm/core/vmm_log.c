/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmm/core/vmm_log.h"

#include "sdk/libc/format.h"
#include "vmm/core/serial_port.h"

#include <microkit.h>
#include <stdarg.h>

#define LINE_BYTES 200

static const char *log_name = microkit_name;
static struct serial_port *log_port;

void log_init(const char *name, struct serial_port *port)
{
    log_name = name;
    log_port = port;
}

/* Whole lines only: half of one would mix with what the guest prints. */
static bool put_line(const char *line, uint32_t length)
{
    if (log_port == NULL || serial_queue_free(&log_port->tx) < length) {
        return false;
    }
    serial_port_write(log_port, line, length);
    return true;
}

void vmm_log(const char *format, ...)
{
    char line[LINE_BYTES + sizeof("\r\n")];
    va_list args;
    size_t used = format_text(line, LINE_BYTES + 1, "%s: ", log_name);
    va_start(args, format);
    used += format_text_v(line + used, LINE_BYTES + 1 - used, format, args);
    va_end(args);
    line[used++] = '\r';
    line[used++] = '\n';
    line[used] = '\0';
    if (!put_line(line, (uint32_t)used)) {
        microkit_dbg_puts(line);
    }
}
