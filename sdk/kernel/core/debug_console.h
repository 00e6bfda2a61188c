/* SPDX-License-Identifier: BSD-2-Clause */
/* The debug console: output only, polled. */
#pragma once

/* Writes a character to the UART, which firmware or reset has left usable (sdk/kernel/uart). */
void console_putc(char c);

/* Formats as format_text() does, at most 256 bytes a call; "\n" goes out as CR LF. */
void console_print(const char *format, ...) __attribute__((format(printf, 1, 2)));
