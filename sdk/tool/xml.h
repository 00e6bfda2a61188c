/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "sdk/tool/model.h"

/*
 * Reads a system file into `system`, of which arena and error are set and the rest is zero. Checks
 * what an element alone can tell: known elements and attributes in their places, numbers in their
 * ranges, each name given once.
 */
bool xml_parse(struct system *system, const char *bytes, size_t size);
