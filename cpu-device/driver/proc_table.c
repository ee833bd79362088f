/* Without cuda.h: its prototypes differ from each other, and only addresses are wanted here. */
#include "proc_table.h"

#define PROC_ADDRESS(name, version, stream, symbol) int symbol(void);
#include "procaddress.h"
#undef PROC_ADDRESS

enum { DEFAULT = false, PER_THREAD = true };

#define PROC_ADDRESS(name, version, stream, symbol) {#name, version, stream, symbol},
const struct drv_proc drv_procs[] = {
#include "procaddress.h"
};

const size_t drv_proc_count = sizeof drv_procs / sizeof *drv_procs;
