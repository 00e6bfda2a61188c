/* SPDX-License-Identifier: BSD-2-Clause */
/* A child's fault in words. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define REASON_BYTES 80u
#define REASON_WORDS 13u /* of the longest fault message */

/*
 * Writes what has happened, with the pc, from a fault's label and words (the Microkit's contract,
 * as seL4 has them); `words` has REASON_WORDS, those that the message lacks are not looked at.
 */
void reason_text(char text[REASON_BYTES], uint64_t label, const uint64_t *words);
