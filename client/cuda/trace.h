/* CRICKET_TRACE: a line for every exported call, which cu_trace() of entry.h writes. */
#ifndef CU_TRACE_H
#define CU_TRACE_H

#include "entry.h"

/* Is there a file to write to? Opens it when first asked. Any thread. */
bool cu_trace_wanted(void);

#endif
