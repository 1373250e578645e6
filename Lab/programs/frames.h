/* What the programs share: functions that keep their frames, and waiting until another thread sleeps. */
#ifndef FRAMES_H
#define FRAMES_H

/* Neither inlined, nor cloned for known arguments, nor analysed by its callers. */
#define FRAME __attribute__((noipa))

/* Keeps a call from being the last thing a function does, and a value from being forgotten before. */
#define KEEP(value) __asm__ volatile("" : : "g"(value) : "memory")

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static inline pid_t own_tid(void) { return (pid_t)syscall(SYS_gettid); }

/* Returns once the kernel says that the thread is asleep, which it is only inside the system call it was to block in. */
static inline void wait_until_asleep(const volatile pid_t *tid)
{
    char path[64], text[512];

    for (;;) {
        sched_yield();
        if (*tid == 0)
            continue;
        snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)*tid);
        int fd = open(path, O_RDONLY);
        if (fd < 0)
            exit(3);
        ssize_t length = read(fd, text, sizeof text - 1);
        close(fd);
        if (length <= 0)
            exit(3);
        text[length] = 0;
        const char *end = strrchr(text, ')');
        if (end && strncmp(end, ") S", 3) == 0)
            return;
    }
}
#endif
