/* SPDX-License-Identifier: BSD-2-Clause */
/* A program with all that stack.py must find; wrong.txt is what it says. Never run. */

#define APART __attribute__((noinline))

void wrong(unsigned n);

static volatile char sink;

APART static void use(const volatile char *bytes, unsigned n)
{
    sink = bytes[n];
}

APART static unsigned recursion(unsigned n)
{
    return n == 0 ? sink : recursion(n - 1) * n + recursion(n / 2);
}

APART static void depth(unsigned n)
{
    volatile char bytes[9000];
    bytes[n] = 1;
    use(bytes, n);
}

APART static void no_constant(unsigned n)
{
    volatile char bytes[n];
    bytes[n / 2] = 1;
    use(bytes, n);
}

APART static void *malloc(unsigned long bytes)
{
    return (void *)(bytes + (unsigned long)sink);
}

APART static void nobody(unsigned n)
{
    sink = (char)n;
}

static void (*volatile pointer)(unsigned) = nobody;

void wrong(unsigned n)
{
    use(malloc(recursion(n)), n);
    depth(n);
    no_constant(n);
    pointer(n);
}
