/* Without cuda.h: its prototypes differ from each other, and only addresses are wanted here. */
#include "proc_table.h"

#include <string.h>

#define PROC_ADDRESS(name, version, stream, symbol) int symbol(void);
#include "procaddress.h"
#undef PROC_ADDRESS

enum { DEFAULT = false, PER_THREAD = true };

#define PROC_ADDRESS(name, version, stream, symbol) {#name, version, stream, symbol},
static const struct cr_proc procs[] = {
#include "procaddress.h"
};

static const struct cr_proc *newest(const char *name, int version, bool per_thread, bool *known)
{
	const struct cr_proc *best = NULL;
	for (const struct cr_proc *proc = procs; proc < procs + sizeof(procs) / sizeof(*procs); proc++) {
		if (proc->per_thread != per_thread || strcmp(proc->name, name) != 0)
			continue;
		*known = true;
		if (proc->version <= version && (!best || proc->version > best->version))
			best = proc;
	}
	return best;
}

const struct cr_proc *cr_proc_find(const char *name, int version, bool per_thread, bool *known)
{
	*known = false;
	const struct cr_proc *proc = per_thread ? newest(name, version, true, known) : NULL;
	return proc ? proc : newest(name, version, false, known);
}
