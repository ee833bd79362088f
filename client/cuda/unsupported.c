#include "unsupported.h"

#include "entry.h"
#include "log.h"
#include "settings.h"

int cu_unsupported(const char *name, int *logged)
{
	cu_settings(); /* sets the log up */
	if (!__atomic_exchange_n(logged, 1, __ATOMIC_RELAXED))
		cr_log(CR_LOG_WARNING, "%s is not supported over the network; it returns CUDA_ERROR_NOT_SUPPORTED",
		       name);
	return CUDA_ERROR_NOT_SUPPORTED;
}
