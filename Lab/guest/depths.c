/*
 * A process with four threads, each stopped in a known place at a known depth:
 *
 *   main thread   depth_main(0..5)   -> nanosleep
 *   "reader"      depth_reader(0..7) -> read from a pipe nobody writes to
 *   "waiter"      depth_waiter(0..9) -> futex, by a condition variable nobody signals
 *   "spinner"     depth_spinner(0..3) -> spin(), no system call
 *
 * The functions are neither inlined nor turned into jumps, so every level has a frame.
 */
#include <pthread.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define FRAME __attribute__((noinline, noclone))

static int pipe_ends[2];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t never = PTHREAD_COND_INITIALIZER;
static volatile unsigned long spins;

FRAME static int sleep_for_ever(void)
{
    struct timespec day = {86400, 0};
    while (nanosleep(&day, NULL) == 0)
        ;
    return 1;
}

FRAME static int depth_main(int level)
{
    int below = level == 5 ? sleep_for_ever() : depth_main(level + 1);
    return below + level;
}

FRAME static int read_for_ever(void)
{
    char byte;
    return (int)read(pipe_ends[0], &byte, 1);
}

FRAME static int depth_reader(int level)
{
    int below = level == 7 ? read_for_ever() : depth_reader(level + 1);
    return below + level;
}

FRAME static int wait_for_ever(void)
{
    pthread_mutex_lock(&mutex);
    for (;;)
        pthread_cond_wait(&never, &mutex);
}

FRAME static int depth_waiter(int level)
{
    int below = level == 9 ? wait_for_ever() : depth_waiter(level + 1);
    return below + level;
}

FRAME static int spin(void)
{
    for (;;)
        spins++;
}

FRAME static int depth_spinner(int level)
{
    int below = level == 3 ? spin() : depth_spinner(level + 1);
    return below + level;
}

static void *reader(void *unused)
{
    (void)unused;
    pthread_setname_np(pthread_self(), "reader");
    return (void *)(long)depth_reader(0);
}

static void *waiter(void *unused)
{
    (void)unused;
    pthread_setname_np(pthread_self(), "waiter");
    return (void *)(long)depth_waiter(0);
}

static void *spinner(void *unused)
{
    (void)unused;
    pthread_setname_np(pthread_self(), "spinner");
    return (void *)(long)depth_spinner(0);
}

int main(void)
{
    pthread_t thread;

    if (pipe(pipe_ends) != 0)
        return 1;
    if (pthread_create(&thread, NULL, reader, NULL) || pthread_create(&thread, NULL, waiter, NULL) ||
        pthread_create(&thread, NULL, spinner, NULL))
        return 1;
    puts("LAB: depths has its threads");
    fflush(stdout);
    return depth_main(0);
}
