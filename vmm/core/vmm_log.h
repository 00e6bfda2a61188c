/* SPDX-License-Identifier: BSD-2-Clause */
/* The VMM's log: one line for the operator, prefixed with the guest's name. */
#pragma once

struct serial_port;

/*
 * Prints "guest0: " (the guest's name), the text and a line end. At most 200 bytes; longer text is
 * cut. Formats as format_text() does. Host tests supply their own.
 */
void vmm_log(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Lines go to `port`, or to the debug console where there is no room for a whole one. */
void log_init(const char *name, struct serial_port *port);
