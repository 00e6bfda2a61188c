# SPDX-License-Identifier: BSD-2-Clause
# Not `compose`: that is where its objects lie in the build.
HOST_PROGRAMS += composer

composer_SRCS := sdk/tool/arena.c $(call sources_in,compose)
# liblzma and libzstd unpack initrds, as zlib does.
COMPOSE_LIBS := -lyaml -lfdt -llzma -lzstd -lz
composer_LIBS := $(COMPOSE_LIBS)
