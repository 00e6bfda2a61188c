# SPDX-License-Identifier: BSD-2-Clause
# Not `compose`: that is where its objects lie in the build.
HOST_PROGRAMS += composer

# All but main(), for the tests.
COMPOSE_SRCS := compose/arena.c compose/diag.c compose/keys.c compose/scalar.c compose/yaml.c \
    compose/check.c compose/board.c compose/image.c compose/place.c compose/plan.c \
    compose/device_tree.c compose/serial.c compose/guest_plan.c compose/system.c compose/xml.c \
    compose/link.c compose/output.c compose/compose.c
composer_SRCS := compose/main.c $(COMPOSE_SRCS)
composer_LIBS := -lyaml -lfdt
