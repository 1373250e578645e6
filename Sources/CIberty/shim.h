#ifndef VARVE_CIBERTY_SHIM_H
#define VARVE_CIBERTY_SHIM_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <libiberty/demangle.h>

/* A few mangled characters can demand gigabytes of output (each substitution may double it), and
   libiberty has no limit of its own. Its callback form allocates nothing on the heap, so leaving it
   by longjmp once the caller's buffer is full loses nothing. */
struct varve_demangling {
  char *buffer;
  size_t capacity;
  size_t length;
  jmp_buf overflow;
};

static inline void varve_demangling_append(const char *text, size_t count, void *opaque) {
  struct varve_demangling *state = (struct varve_demangling *)opaque;
  if (count > state->capacity - state->length) longjmp(state->overflow, 1);
  memcpy(state->buffer + state->length, text, count);
  state->length += count;
}

/* Writes the demangled form of the NUL-terminated `mangled` to `buffer`, without a NUL. Gives its
   length; 0 if the name isn't mangled in that scheme or its form doesn't fit. */
static inline size_t varve_demangle(const char *mangled, int options, bool rust, char *buffer,
                                    size_t capacity) {
  struct varve_demangling state;
  state.buffer = buffer;
  state.capacity = capacity;
  state.length = 0;
  if (setjmp(state.overflow) != 0) return 0;
  int ok = rust ? rust_demangle_callback(mangled, options, varve_demangling_append, &state)
                : cplus_demangle_v3_callback(mangled, options, varve_demangling_append, &state);
  return ok ? state.length : 0;
}

#endif
