/* SPDX-License-Identifier: BSD-2-Clause */
/* The output folder: everything that the image is built from. */
#pragma once

#include "compose/system.h"

#include <stdio.h>

/*
 * Writes all files of a system into a folder, which is made if it is missing. A file that holds
 * the right bytes already is left alone, so that make does nothing for it; system.xml is always
 * written, as the mark of when compose ran. Returns false if errors were told.
 */
bool output_write(const struct system *system, const char *folder);

/* xml.c. Writes the Microkit's system description; it names the programs NAME.elf, after their PDs.
 */
void xml_write(FILE *out, const struct system *system, const char *folder);

/* serial.c. Writes the keys of the console, a line each, for the one who starts the system. */
void serial_write_keys(FILE *out, const struct system *system, const char *folder);

/* picture.c. Writes the system as a graph for graphviz's dot. */
void picture_write(FILE *out, const struct system *system, const char *folder);

/*
 * link.c. Writes a makefile that copies each PD's program and puts the PD's records into the copy:
 * `make -f link.mk PROGRAM_DIR=... SYSTEM_DIR=...`.
 */
void link_write(FILE *out, const struct system *system, const char *folder);

/* Writes, as a make fragment, that the folder's system.xml depends on the image files. */
void link_write_depends(FILE *out, const struct system *system, const char *folder);
