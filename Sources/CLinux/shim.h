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
