/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uio_blk DISK: serves a disk to the guests whose links (cloister/uio_blk.h) this guest has, to
 * each the partition that its link names. A process for each link, so that one life is ended by a
 * process's end; a number of threads in it, each of which takes a request, does it whole through
 * an aligned buffer of its own past the page cache, and answers it. What is asked for is checked
 * here too: the VMM in between is trusted by the clients, not by us.
 */
#include "guest/programs/uio.h"

#include <cloister/blk_check.h>
#include <cloister/uio_blk.h>
#include <ctype.h>
#include <errno.h>
#include <linux/fs.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define MAX_LINKS    8
#define WORKERS      16
#define BUFFER_BYTES (256u << 10) /* a multiple of the block */

struct link {
    char client[UIO_BLK_CLIENT_BYTES + 1];
    int device;
    int disk;
    pid_t process;
    uint8_t *rings;
    volatile uint32_t *registers;
    uint8_t *data;
    uint32_t life;
    struct blk_limits limits;
    struct blk_server queue;
    pthread_mutex_t taking, answering; /* each end of the queues has one user at a time */
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

/* ---- Requests ---------------------------------------------------------------------------------*/

static uint32_t status_of(int error)
{
    switch (error) {
    case 0:
        return BLK_RESP_OK;
    case ENODEV:
    case ENXIO:
    case ENOMEDIUM:
        return BLK_RESP_ERR_NO_DEVICE;
    case EOPNOTSUPP:
    case EINVAL:
        return BLK_RESP_ERR_INVALID_PARAM;
    default:
        return BLK_RESP_ERR_IO;
    }
}

/* All of it or an error. */
static int transfer(int disk, bool writes, uint8_t *buffer, size_t bytes, off_t at)
{
    while (bytes > 0) {
        ssize_t done = writes ? pwrite(disk, buffer, bytes, at) : pread(disk, buffer, bytes, at);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return done < 0 ? errno : EIO; /* behind the end: the disk has shrunk */
        buffer += done;
        bytes -= (size_t)done;
        at += done;
    }
    return 0;
}

static int move(const struct link *link, uint8_t *buffer, const struct blk_req *req)
{
    bool writes = req->code == BLK_REQ_WRITE;
    uint64_t bytes = (uint64_t)req->count * BLK_TRANSFER_SIZE;
    int error = 0;
    for (uint64_t done = 0; done < bytes && error == 0; done += BUFFER_BYTES) {
        uint64_t left = bytes - done;
        size_t part = left < BUFFER_BYTES ? (size_t)left : BUFFER_BYTES;
        uio_pair *data = (uio_pair *)(link->data + req->io_or_offset + done);
        if (writes)
            uio_copy((uio_pair *)buffer, data, part);
        error = transfer(link->disk, writes, buffer, part,
                         (off_t)(req->block_number * BLK_TRANSFER_SIZE + done));
        if (!writes && error == 0)
            uio_copy(data, (const uio_pair *)buffer, part);
    }
    return error;
}

static int write_zeroes(const struct link *link, const struct blk_req *req)
{
    uint64_t range[2] = { req->block_number * BLK_TRANSFER_SIZE,
                          (uint64_t)req->count * BLK_TRANSFER_SIZE };
    return ioctl(link->disk, BLKZEROOUT, range) == 0 ? 0 : errno;
}

static struct blk_resp serve(const struct link *link, uint8_t *buffer, const struct blk_req *req)
{
    int error;
    uint32_t status = blk_check_request(&link->limits, req);
    if (status != BLK_RESP_OK)
        return (struct blk_resp){ status, 0, req->id };
    if (blk_moves_data(req->code))
        error = move(link, buffer, req);
    else if (blk_flushes(req->code))
        error = fdatasync(link->disk) == 0 ? 0 : errno;
    else
        error = write_zeroes(link, req);
    return (struct blk_resp){ status_of(error), error == 0 ? req->count : 0, req->id };
}

/* ---- Threads ----------------------------------------------------------------------------------*/

/* Our life is over: so are all threads, with what they do. */
static void check_life(const struct link *link)
{
    if (page_of(link)->life != link->life)
        _exit(0);
}

/* Whoever holds the lock waits for the interrupt, for all. */
static struct blk_req take(struct link *link)
{
    struct blk_req req;
    pthread_mutex_lock(&link->taking);
    while (!blk_server_receive(&link->queue, &req)) {
        if (!uio_wait(link->device))
            die(link, "wait for its interrupt");
        check_life(link);
        put_register(link, UIO_BLK_ACK, link->life);
    }
    pthread_mutex_unlock(&link->taking);
    return req;
}

/* There is room: it answers what was asked, and the VMM asks for no more than the queue holds. */
static void answer(struct link *link, const struct blk_resp *resp)
{
    check_life(link);
    pthread_mutex_lock(&link->answering);
    (void)blk_server_respond(&link->queue, resp);
    pthread_mutex_unlock(&link->answering);
    put_register(link, UIO_BLK_KICK, link->life);
}

static void *work(void *argument)
{
    struct link *link = argument;
    uint8_t *buffer = aligned_alloc(BLK_TRANSFER_SIZE, BUFFER_BYTES);
    if (buffer == NULL)
        die(link, "get memory");
    for (;;) {
        struct blk_req req = take(link);
        struct blk_resp resp = serve(link, buffer, &req);
        answer(link, &resp);
    }
    return NULL;
}

/* ---- A link's process -------------------------------------------------------------------------*/

/* As the kernel names partitions: vda1, but mmcblk0p1. */
static int open_disk(const struct link *link, const char *path, bool read_only)
{
    char name[256];
    uint32_t partition = page_of(link)->partition;
    const char *between = isdigit((unsigned char)path[strlen(path) - 1]) ? "p" : "";
    if (partition == UIO_BLK_WHOLE_DISK)
        (void)snprintf(name, sizeof(name), "%s", path);
    else
        (void)snprintf(name, sizeof(name), "%s%s%u", path, between, partition + 1);
    int disk = open(name, (read_only ? O_RDONLY : O_RDWR) | O_DIRECT | O_CLOEXEC);
    if (disk < 0)
        fprintf(stderr, "uio_blk: %s has no disk: %s: %s\n", link->client, name, strerror(errno));
    return disk;
}

/* A disk that cannot be opened is one of no blocks. */
static void open_limits(struct link *link, const char *path, uint64_t data_bytes)
{
    uint64_t bytes = 0;
    int no_writes = 0;
    link->limits.data_bytes = data_bytes;
    link->limits.read_only = page_of(link)->read_only != 0;
    link->limits.extensions = BLK_EXT_WRITE_ZEROES;
    link->disk = open_disk(link, path, link->limits.read_only);
    if (link->disk >= 0 && ioctl(link->disk, BLKGETSIZE64, &bytes) == 0)
        link->limits.blocks = bytes / BLK_TRANSFER_SIZE;
    if (link->disk >= 0 && ioctl(link->disk, BLKROGET, &no_writes) == 0 && no_writes != 0)
        link->limits.read_only = true;
}

static void greet(struct link *link)
{
    put_register(link, UIO_BLK_HELLO, 0);
    link->life = page_of(link)->life;
    link->queue = blk_queue_server((struct blk_req_queue *)(link->rings + UIO_BLK_REQ_OFFSET),
                                   (struct blk_resp_queue *)(link->rings + UIO_BLK_RESP_OFFSET),
                                   UIO_BLK_ENTRIES);
    volatile struct blk_storage_info *info = &page_of(link)->info;
    info->read_only = link->limits.read_only;
    info->sector_size = 512;
    info->extensions = link->limits.extensions;
    info->capacity = link->limits.blocks;
    put_register(link, UIO_BLK_SERVE, link->life);
}

/* The child's side: never returns. */
__attribute__((noreturn)) static void run(struct link *link, const char *disk, uint64_t data_bytes)
{
    pthread_t thread;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    open_limits(link, disk, data_bytes);
    greet(link);
    printf("uio_blk: %s has %lu blocks%s\n", link->client, link->limits.blocks,
           link->limits.read_only ? ", read-only" : "");
    for (unsigned i = 1; i < WORKERS; i++) {
        errno = pthread_create(&thread, NULL, work, link);
        if (errno != 0)
            die(link, "start a thread");
    }
    work(link);
    abort(); /* not reached */
}

/* ---- All of them ------------------------------------------------------------------------------*/

static uint64_t data_sizes[MAX_LINKS];

static void find_link(unsigned index)
{
    char name[64];
    uint64_t bytes;
    struct link *link = &links[num_links];
    if (num_links == MAX_LINKS || !uio_read(index, "name", name, sizeof(name)) ||
        strcmp(name, UIO_BLK_NAME) != 0)
        return;
    *link = (struct link){ .client = UIO_BLK_NAME,
                           .taking = PTHREAD_MUTEX_INITIALIZER,
                           .answering = PTHREAD_MUTEX_INITIALIZER };
    (void)snprintf(name, sizeof(name), "/dev/uio%u", index);
    link->device = open(name, O_RDWR | O_CLOEXEC);
    link->rings = uio_map(index, link->device, 0, &bytes);
    link->registers = uio_map(index, link->device, 1, &bytes);
    link->data = uio_map(index, link->device, 2, &data_sizes[num_links]);
    if (link->rings == NULL || link->registers == NULL || link->data == NULL)
        die(link, name);
    for (unsigned i = 0; i < UIO_BLK_CLIENT_BYTES; i++)
        link->client[i] = page_of(link)->client[i];
    num_links++;
}

static void start(unsigned index, const char *disk)
{
    struct link *link = &links[index];
    fflush(NULL);
    link->process = fork();
    if (link->process < 0)
        die(link, "start a process");
    if (link->process == 0)
        run(link, disk, data_sizes[index]);
}

/* A process that ends has all its threads ended: the clients are told, and another one comes. */
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
    for (unsigned i = 0; i < 64; i++)
        find_link(i);
    if (num_links == 0) {
        fprintf(stderr, "uio_blk: there is no UIO device named " UIO_BLK_NAME "\n");
        return 1;
    }
    for (unsigned i = 0; i < num_links; i++)
        start(i, argv[1]);
    for (;;)
        restart(argv[1]);
}
