#include <lz4frame.h>
#include <lzma.h>
#include <lzo/lzo1x.h>
#include <snappy-c.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

// Macros of the LZO library that Swift can't import.
static inline int varve_lzo_init(void) { return lzo_init(); }
static inline unsigned long varve_lzo1x_1_memory(void) { return LZO1X_1_MEM_COMPRESS; }
