/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "sdk/tool/error.h"
#include "sdk/tool/model.h"

/*
 * Reads a system file into `system`, whose `arena` is set and the rest zero. Checks what one
 * element alone can tell: known elements and attributes in their places, numbers in their ranges.
 */
bool xml_parse(struct system *system, const char *bytes, size_t size, struct error *error);
