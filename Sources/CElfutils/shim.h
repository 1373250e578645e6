#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/known-dwarf.h>
#include <gelf.h>
#include <libelf.h>
