/* SPDX-License-Identifier: BSD-2-Clause */
/* The debug console: a PL011 that firmware or reset has left usable; output only, polled. */
#pragma once

void console_putc(char c);

/* Formats as format_text() does, at most 256 bytes a call; "\n" goes out as CR LF. */
void console_print(const char *format, ...) __attribute__((format(printf, 1, 2)));
