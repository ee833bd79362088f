#include "unsupported.h"

#include "entry.h"
#include "log.h"
#include "settings.h"

int cu_unsupported(char *missing)
{
	cu_settings(); /* sets the log up */
	if (!__atomic_exchange_n(missing, 1, __ATOMIC_RELAXED))
		cr_log(CR_LOG_WARNING, "%s is not supported over the network; it returns CUDA_ERROR_NOT_SUPPORTED",
		       missing + 1);
	return CUDA_ERROR_NOT_SUPPORTED;
}
