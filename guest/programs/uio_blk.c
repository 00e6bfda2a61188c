/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uio_blk DISK: serves a disk to the guests whose links (cloister/uio_blk.h) this guest has, to
 * each the partition that its link names. A process for each link, so that one life is ended by a
 * process's end. It has one thread, which starts what its client asks for and takes what has ended,
 * all through io_uring and past the page cache (uio_blk_serve.h is the work itself).
 */
#include "guest/programs/uio.h"
#include "guest/programs/uio_blk_serve.h"
#include "guest/programs/uio_ring.h"

#include <cloister/uio_blk.h>
#include <ctype.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define MAX_LINKS    8
#define RING_ENTRIES 32u         /* at least one more than SERVE_SLOTS */
#define INTERRUPT    SERVE_SLOTS /* the name of its operation in the ring; below are the slots' */

struct link {
    char client[UIO_BLK_CLIENT_BYTES + 1];
    int device;
    int disk;
    pid_t process;
    uint8_t *rings;
    volatile uint32_t *registers;
    uint32_t life;
    struct uio_ring ring;
    struct serve serve;
};

static struct link links[MAX_LINKS];
static unsigned num_links;

static volatile struct uio_blk_page *page_of(const struct link *link)
{
    return (volatile struct uio_blk_page *)link->rings;
}

static void put_register(const struct link *link, enum uio_blk_register which, uint32_t life)
{
    link->registers[which / sizeof(uint32_t)] = life;
}

__attribute__((noreturn)) static void die(const struct link *link, const char *what)
{
    fprintf(stderr, "uio_blk: %s: cannot %s: %s\n", link->client, what, strerror(errno));
    exit(1);
}

/* ---- The disk ---------------------------------------------------------------------------------*/

static void start_operation(void *disk, const struct serve_operation *operation)
{
    static const uint8_t opcodes[] = { [SERVE_READ] = IORING_OP_READ,
                                       [SERVE_WRITE] = IORING_OP_WRITE,
                                       [SERVE_FLUSH] = IORING_OP_FSYNC,
                                       [SERVE_ZERO] = IORING_OP_FALLOCATE };
    struct link *link = disk;
    struct io_uring_sqe *sqe =
        uio_ring_add(&link->ring, opcodes[operation->code], link->disk, operation->slot);
    sqe->off = operation->at;
    if (operation->code == SERVE_FLUSH) {
        sqe->fsync_flags = IORING_FSYNC_DATASYNC;
    } else if (operation->code == SERVE_ZERO) {
        sqe->addr = operation->bytes;
        sqe->len = FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE;
    } else {
        sqe->addr = (uintptr_t)operation->buffer;
        sqe->len = (uint32_t)operation->bytes;
    }
}

/* ---- Waiting ----------------------------------------------------------------------------------*/

/* Our life is over: so is what we do. */
static void check_life(const struct link *link)
{
    if (page_of(link)->life != link->life) {
        _exit(0);
    }
}

static void await_interrupt(struct link *link)
{
    if (!uio_enable(link->device)) {
        die(link, "enable its interrupt");
    }
    uio_ring_add(&link->ring, IORING_OP_POLL_ADD, link->device, INTERRUPT)->poll32_events = POLLIN;
}

static void take_interrupt(struct link *link)
{
    if (!uio_wait(link->device)) {
        die(link, "take its interrupt");
    }
    put_register(link, UIO_BLK_ACK, link->life);
    await_interrupt(link);
}

static bool take_ended(struct link *link)
{
    struct io_uring_cqe cqe;
    bool any = false;
    for (; uio_ring_next(&link->ring, &cqe); any = true) {
        if (cqe.user_data == INTERRUPT) {
            take_interrupt(link);
        } else {
            serve_end(&link->serve, (unsigned)cqe.user_data, cqe.res);
        }
    }
    return any;
}

static void enter_ring(struct link *link, unsigned wait)
{
    if (!uio_ring_enter(&link->ring, wait)) {
        die(link, "use its ring");
    }
}

/* What comes after the last look at queue and life finds us not awake, and interrupts. */
static void sleep_until_event(struct link *link)
{
    page_of(link)->awake = 0;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    check_life(link);
    if (!serve_take(&link->serve)) {
        enter_ring(link, 1);
    }
    page_of(link)->awake = 1;
}

static void tell_answers(struct link *link)
{
    if (link->serve.answered) {
        put_register(link, UIO_BLK_KICK, link->life);
    }
    link->serve.answered = false;
}

static void work(struct link *link)
{
    check_life(link);
    bool moves = take_ended(link);
    moves |= serve_take(&link->serve);
    if (link->ring.queued > 0) {
        enter_ring(link, 0);
    }
    tell_answers(link);
    if (!moves) {
        sleep_until_event(link);
    }
}

/* ---- A link's process -------------------------------------------------------------------------*/

struct disk_name {
    char text[256];
};

/* As the kernel names partitions: vda1, but mmcblk0p1. */
static struct disk_name name_disk(const struct link *link, const char *path)
{
    struct disk_name name;
    uint32_t partition = page_of(link)->partition;
    const char *between = isdigit((unsigned char)path[strlen(path) - 1]) ? "p" : "";
    if (partition == UIO_BLK_WHOLE_DISK) {
        (void)snprintf(name.text, sizeof(name.text), "%s", path);
    } else {
        (void)snprintf(name.text, sizeof(name.text), "%s%s%u", path, between, partition + 1);
    }
    return name;
}

/* Requests that it works on; 0 as well if it tells none. */
static unsigned disk_works(const struct disk_name *name)
{
    char path[320];
    unsigned reads = 0, writes = 0;
    (void)snprintf(path, sizeof(path), "/sys/class/block/%s/inflight", basename(name->text));
    FILE *file = fopen(path, "re");
    if (file == NULL || fscanf(file, "%u %u", &reads, &writes) != 2) {
        reads = writes = 0;
    }
    if (file != NULL) {
        fclose(file);
    }
    return reads + writes;
}

/* What a process of ours has started outlives it, and must not come after what we write. */
static int open_disk(const struct link *link, const char *path, bool read_only)
{
    struct disk_name name = name_disk(link, path);
    while (disk_works(&name) > 0) {
        usleep(1000);
    }
    int disk = open(name.text, (read_only ? O_RDONLY : O_RDWR) | O_DIRECT | O_CLOEXEC);
    if (disk < 0) {
        fprintf(stderr, "uio_blk: %s has no disk: %s: %s\n", link->client, name.text,
                strerror(errno));
    }
    return disk;
}

/* A disk that cannot be opened is one of no blocks. */
static void open_limits(struct link *link, const char *path, uint64_t data_bytes)
{
    uint64_t bytes = 0;
    int no_writes = 0;
    struct blk_limits *limits = &link->serve.limits;
    limits->data_bytes = data_bytes;
    limits->read_only = page_of(link)->read_only != 0;
    limits->extensions = BLK_EXT_WRITE_ZEROES;
    link->disk = open_disk(link, path, limits->read_only);
    if (link->disk >= 0 && ioctl(link->disk, BLKGETSIZE64, &bytes) == 0) {
        limits->blocks = bytes / BLK_TRANSFER_SIZE;
    }
    if (link->disk >= 0 && ioctl(link->disk, BLKROGET, &no_writes) == 0 && no_writes != 0) {
        limits->read_only = true;
    }
}

static void greet(struct link *link)
{
    const struct blk_limits *limits = &link->serve.limits;
    put_register(link, UIO_BLK_HELLO, 0);
    link->life = page_of(link)->life;
    link->serve.queue = blk_queue_server(
        (struct blk_req_queue *)(link->rings + UIO_BLK_REQ_OFFSET),
        (struct blk_resp_queue *)(link->rings + UIO_BLK_RESP_OFFSET), UIO_BLK_ENTRIES);
    volatile struct blk_storage_info *info = &page_of(link)->info;
    info->read_only = limits->read_only;
    info->sector_size = 512;
    info->extensions = limits->extensions;
    info->capacity = limits->blocks;
    put_register(link, UIO_BLK_SERVE, link->life);
}

/* The child's side: never returns. */
__attribute__((noreturn)) static void run(struct link *link, const char *disk, uint64_t data_bytes)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    link->serve.buffers = aligned_alloc(BLK_TRANSFER_SIZE, SERVE_SLOTS * SERVE_PIECE_BYTES);
    if (link->serve.buffers == NULL || !uio_ring_open(&link->ring, RING_ENTRIES)) {
        die(link, "start");
    }
    open_limits(link, disk, data_bytes);
    greet(link);
    printf("uio_blk: %s has %lu blocks%s\n", link->client, link->serve.limits.blocks,
           link->serve.limits.read_only ? ", read-only" : "");
    await_interrupt(link);
    for (;;) {
        work(link);
    }
}

/* ---- All of them ------------------------------------------------------------------------------*/

static uint64_t data_sizes[MAX_LINKS];

static void find_link(unsigned index)
{
    char name[64];
    uint64_t bytes;
    struct link *link = &links[num_links];
    if (num_links == MAX_LINKS || !uio_read(index, "name", name, sizeof(name)) ||
        strcmp(name, UIO_BLK_NAME) != 0) {
        return;
    }
    *link = (struct link){ .client = UIO_BLK_NAME,
                           .serve = { .start = start_operation, .disk = link } };
    (void)snprintf(name, sizeof(name), "/dev/uio%u", index);
    link->device = open(name, O_RDWR | O_CLOEXEC);
    link->rings = uio_map(index, link->device, 0, &bytes);
    link->registers = uio_map(index, link->device, 1, &bytes);
    link->serve.data = uio_map(index, link->device, 2, &data_sizes[num_links]);
    if (link->rings == NULL || link->registers == NULL || link->serve.data == NULL) {
        die(link, name);
    }
    for (unsigned i = 0; i < UIO_BLK_CLIENT_BYTES; i++) {
        link->client[i] = page_of(link)->client[i];
    }
    num_links++;
}

static void start(unsigned index, const char *disk)
{
    struct link *link = &links[index];
    fflush(NULL);
    link->process = fork();
    if (link->process < 0) {
        die(link, "start a process");
    }
    if (link->process == 0) {
        run(link, disk, data_sizes[index]);
    }
}

/* A process has ended: its client is told, and another one comes. */
static void restart(const char *disk)
{
    pid_t ended = wait(NULL);
    for (unsigned i = 0; i < num_links; i++) {
        if (links[i].process == ended) {
            put_register(&links[i], UIO_BLK_BYE, page_of(&links[i])->life);
            usleep(100000); /* one that cannot live does not take all the time */
            start(i, disk);
        }
    }
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc != 2) {
        fprintf(stderr, "usage: uio_blk DISK (such as /dev/vda)\n");
        return 2;
    }
    for (unsigned i = 0; i < 64; i++) {
        find_link(i);
    }
    if (num_links == 0) {
        fprintf(stderr, "uio_blk: there is no UIO device named " UIO_BLK_NAME "\n");
        return 1;
    }
    for (unsigned i = 0; i < num_links; i++) {
        start(i, argv[1]);
    }
    for (;;) {
        restart(argv[1]);
    }
}
