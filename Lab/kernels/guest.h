/* What the programs of the kernels' guests have in common. */
#ifndef GUEST_H
#define GUEST_H

#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <unistd.h>

static inline void fail(const char *what)
{
    int kept = errno;
    FILE *console = fopen("/dev/console", "w");
    if (console != NULL) {
        fprintf(console, "LAB: FAILED: %s: %s\n", what, strerror(kept));
        fclose(console);
    }
    _exit(1);
}

static inline void name_task(const char *name)
{
    if (prctl(PR_SET_NAME, name) != 0)
        fail("PR_SET_NAME");
}

static inline void sleep_for_ever(void)
{
    for (;;)
        pause();
}

/* The state letter in a /proc/…/stat file; 0 if the task is gone. The name before it may hold any byte. */
static inline char state_in(const char *path)
{
    char text[1024];
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return 0;
    size_t count = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[count] = 0;
    char *end = strrchr(text, ')');
    return end != NULL && end[1] == ' ' ? end[2] : 0;
}

/* Waits until the task has come to rest in that state, for ten seconds at most. */
static inline void await_state(pid_t process, pid_t thread, char wanted)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task/%d/stat", (int)process, (int)thread);
    for (int tries = 0; tries < 10000; tries++) {
        if (state_in(path) == wanted)
            return;
        usleep(1000);
    }
    errno = ETIME;
    fail(path);
}

/* Goes on in a child, which is to call `settled`; only then does the caller's program end. */
static int settled_pipe[2];

static inline void go_to_background(void)
{
    if (pipe(settled_pipe) != 0)
        fail("pipe");
    pid_t child = fork();
    if (child < 0)
        fail("fork");
    if (child == 0) {
        close(settled_pipe[0]);
        return;
    }
    close(settled_pipe[1]);
    char byte;
    _exit(read(settled_pipe[0], &byte, 1) == 1 ? 0 : 1);
}

static inline void settled(void)
{
    if (write(settled_pipe[1], "", 1) != 1)
        fail("settled");
    close(settled_pipe[1]);
}

#endif
