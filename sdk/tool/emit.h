/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "sdk/tool/tables.h"

/*
 * Writes the image: kernel, descriptions, tables, programs with their patched symbols, prefilled
 * regions. Returns layout->image_end - layout->image_base bytes, rounded up to a page, in *size;
 * or NULL when a program lacks a symbol.
 */
uint8_t *emit_image(const struct system *system, const struct kernel *kernel,
                    const struct layout *layout, const struct tables *tables, size_t *size);
