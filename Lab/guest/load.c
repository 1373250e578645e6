/*
 * load DISK READERS WRITERS: keeps requests to one disk in flight for ever.
 *
 * Every thread reads, or writes and flushes, one block after another at places that a fixed generator chooses, past
 * the page cache. When every thread has begun, a line on the console says so; when the first
 * request has been answered, another one.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <linux/fs.h>
#include <unistd.h>

enum { BLOCK = 4096 };

static const char *disk;
static uint64_t blocks;
static pthread_barrier_t all_here;
static pthread_once_t answered = PTHREAD_ONCE_INIT;

static void say_answered(void)
{
    printf("LAB: %s has answered\n", disk);
    fflush(stdout);
}

static void fail(const char *what)
{
    printf("LAB: FAILED: %s: %s: %s\n", disk, what, strerror(errno));
    fflush(stdout);
    exit(1);
}

static void keep_busy(uint64_t seed, int writes)
{
    int fd = open(disk, O_RDWR | O_DIRECT);
    void *block;

    if (fd < 0)
        fail("open");
    if (posix_memalign(&block, BLOCK, BLOCK) != 0)
        fail("posix_memalign");
    memset(block, (int)seed, BLOCK);
    pthread_barrier_wait(&all_here);
    for (;;) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        off_t place = (off_t)((seed >> 20) % blocks) * BLOCK;
        if (writes) {
            if (pwrite(fd, block, BLOCK, place) != BLOCK)
                fail("pwrite");
            if (fdatasync(fd) != 0)
                fail("fdatasync");
        } else if (pread(fd, block, BLOCK, place) != BLOCK) {
            fail("pread");
        }
        pthread_once(&answered, say_answered);
    }
}

static void *reader(void *number)
{
    keep_busy(1 + (uintptr_t)number, 0);
    return NULL;
}

static void *writer(void *number)
{
    keep_busy(1001 + (uintptr_t)number, 1);
    return NULL;
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    disk = argv[1];
    long readers = atol(argv[2]), writers = atol(argv[3]);

    int fd = open(disk, O_RDONLY);
    uint64_t size;
    if (fd < 0 || ioctl(fd, BLKGETSIZE64, &size) != 0)
        fail("open");
    close(fd);
    blocks = size / BLOCK;

    pthread_barrier_init(&all_here, NULL, (unsigned)(readers + writers + 1));
    for (long number = 0; number < readers + writers; number++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, number < readers ? reader : writer, (void *)number) != 0)
            fail("pthread_create");
    }
    pthread_barrier_wait(&all_here);
    printf("LAB: %s is under load\n", disk);
    fflush(stdout);
    pause();
    return 0;
}
