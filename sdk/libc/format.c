/* SPDX-License-Identifier: BSD-2-Clause */
#include "sdk/libc/format.h"

#include <stdbool.h>
#include <stdint.h>

struct sink {
    char *to;
    size_t size, used;
};

struct spec {
    unsigned width;
    char fill;
    bool is_long;
};

static void put(struct sink *out, char c)
{
    if (out->used + 1 < out->size) {
        out->to[out->used++] = c;
    }
}

static void put_padded(struct sink *out, struct spec spec, const char *text, unsigned length)
{
    for (unsigned i = length; i < spec.width; i++) {
        put(out, spec.fill);
    }
    for (unsigned i = 0; i < length; i++) {
        put(out, text[i]);
    }
}

static void put_number(struct sink *out, struct spec spec, uint64_t value, unsigned base,
                       bool negative)
{
    char digits[24];
    unsigned at = sizeof(digits);
    do {
        digits[--at] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    if (negative) {
        digits[--at] = '-';
    }
    put_padded(out, spec, &digits[at], (unsigned)sizeof(digits) - at);
}

static void put_string(struct sink *out, struct spec spec, const char *text)
{
    unsigned length = 0;
    while (text[length] != '\0') {
        length++;
    }
    put_padded(out, spec, text, length);
}

static const char *parse_spec(const char *at, struct spec *spec)
{
    *spec = (struct spec){ .fill = ' ' };
    if (*at == '0') {
        spec->fill = '0';
        at++;
    }
    for (; *at >= '0' && *at <= '9'; at++) {
        spec->width = spec->width * 10 + (unsigned)(*at - '0');
    }
    if (*at == 'l') {
        spec->is_long = true;
        at++;
    }
    return at;
}

size_t format_text_v(char *to, size_t size, const char *format, va_list args)
{
    struct sink out = { to, size, 0 };
    for (const char *at = format; *at != '\0'; at++) {
        struct spec spec;
        if (*at != '%') {
            put(&out, *at);
            continue;
        }
        at = parse_spec(at + 1, &spec);
        if (*at == '\0') {
            break;
        }
        if (*at == 's') {
            put_string(&out, spec, va_arg(args, const char *));
        } else if (*at == 'c') {
            put(&out, (char)va_arg(args, int));
        } else if (*at == 'd') {
            int64_t value = spec.is_long ? va_arg(args, long) : va_arg(args, int);
            uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
            put_number(&out, spec, magnitude, 10, value < 0);
        } else if (*at == 'u' || *at == 'x') {
            uint64_t value = spec.is_long ? va_arg(args, unsigned long) : va_arg(args, unsigned);
            put_number(&out, spec, value, *at == 'x' ? 16 : 10, false);
        } else if (*at == 'p') {
            put_string(&out, (struct spec){ 0 }, "0x");
            put_number(&out, spec, (uintptr_t)va_arg(args, void *), 16, false);
        } else {
            put(&out, *at);
        }
    }
    if (size > 0) {
        to[out.used] = '\0';
    }
    return out.used;
}

size_t format_text(char *to, size_t size, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    size_t used = format_text_v(to, size, format, args);
    va_end(args);
    return used;
}
