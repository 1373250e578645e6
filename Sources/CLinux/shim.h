// System calls that glibc declares only under _GNU_SOURCE, which Swift's Glibc module is built
// without. The declarations repeat their manual pages' synopses: copy_file_range(2), rename(2),
// lseek(2), ioctl_ficlonerange(2), fallocate(2), accept(2); statfs(2), which the module leaves out.
#pragma once

#include <stdint.h>
#include <sys/statfs.h>
#include <sys/types.h>

ssize_t copy_file_range(int fd_in, off_t *off_in, int fd_out, off_t *off_out, size_t len,
                        unsigned int flags);
int renameat2(int olddirfd, const char *oldpath, int newdirfd, const char *newpath,
              unsigned int flags);

int pipe2(int fds[2], int flags);

enum { VARVE_RENAME_NOREPLACE = 1 };
enum { VARVE_SEEK_DATA = 3, VARVE_SEEK_HOLE = 4 };
enum { VARVE_O_TMPFILE_BIT = 020000000 };
enum { VARVE_FICLONERANGE = 0x4020940d };

struct varve_file_clone_range {
  int64_t src_fd;
  uint64_t src_offset;
  uint64_t src_length;
  uint64_t dest_offset;
};

int fallocate(int fd, int mode, off_t offset, off_t len);

// Without <sys/socket.h>, which would become part of this module instead of Glibc.
int accept4(int sockfd, void *addr, void *addrlen, int flags);

enum { VARVE_FALLOC_KEEP_SIZE = 1, VARVE_FALLOC_PUNCH_HOLE = 2 };
enum { VARVE_EXT4_MAGIC = 0xef53 };

// The file system's f_type; 0 if it can't be had.
static inline long varve_file_system(int fd) {
  struct statfs status;
  return fstatfs(fd, &status) == 0 ? (long)status.f_type : 0;
}

// close_range(2), since Linux 5.11 with this flag.
int close_range(unsigned int first, unsigned int last, int flags);
enum { VARVE_CLOSE_RANGE_CLOEXEC = 4 };

// Without <sys/wait.h>, for the same reason.
pid_t waitpid(pid_t pid, int *wstatus, int options);

// Starting a program: what posix_spawn(3) can't say, that it is to end with the thread that started it.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

// Runs `path` with the descriptors 0 to 2 replaced where `streams` says so (-1: inherited), the `count`
// descriptors of `kept` open and no others, in `directory` unless that is null; `death` is the signal that it gets when the calling thread ends, 0 for none.
// Gives the process, or -1 with errno. Between fork and exec it calls only what signal-safety(7) allows.
static inline pid_t varve_spawn(const char *path, char *const *arguments, const int *streams,
                                const int *kept, int count, int death, int alone,
                                const char *directory) {
  int report[2];
  if (pipe(report) != 0) return -1;
  fcntl(report[0], F_SETFD, FD_CLOEXEC);
  fcntl(report[1], F_SETFD, FD_CLOEXEC);
  pid_t parent = getpid();
  pid_t child = fork();
  if (child == 0) {
    sigset_t none;
    sigemptyset(&none);
    for (int number = 1; number < 65; number++) {
      if (number != SIGKILL && number != SIGSTOP) signal(number, SIG_DFL);
    }
    sigprocmask(SIG_SETMASK, &none, 0);
    int failed = 0;
    if (death != 0) {
      failed |= prctl(PR_SET_PDEATHSIG, death) != 0;
      if (getppid() != parent) _exit(127);
    }
    if (alone) failed |= setpgid(0, 0) != 0;
    for (int stream = 0; stream < 3; stream++) {
      if (streams[stream] >= 0) failed |= dup2(streams[stream], stream) < 0;
    }
    // Whoever opened others, perhaps on another thread just now, didn't mean them for this program. An older
    // kernel refuses, and the program has a few descriptors too many.
    close_range(3, ~0u, VARVE_CLOSE_RANGE_CLOEXEC);
    for (int index = 0; index < count; index++) {
      failed |= fcntl(kept[index], F_SETFD, 0) != 0;
    }
    if (directory) failed |= chdir(directory) != 0;
    if (!failed) execv(path, arguments);
    int code = errno;
    while (write(report[1], &code, sizeof code) < 0 && errno == EINTR) {
    }
    _exit(127);
  }
  int code = child < 0 ? errno : 0;
  close(report[1]);
  if (child > 0) {
    ssize_t got;
    do {
      got = read(report[0], &code, sizeof code);
    } while (got < 0 && errno == EINTR);
    if (got == sizeof code) {
      while (waitpid(child, 0, 0) < 0 && errno == EINTR) {
      }
      child = -1;
    }
  }
  close(report[0]);
  errno = code;
  return child;
}
