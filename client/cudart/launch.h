/* What launches share with occupancy and graphs. */
#ifndef CUDART_LAUNCH_H
#define CUDART_LAUNCH_H

#include "context.h"

/*
 * The driver's form of a launch configuration; the attributes stay the caller's. cudaErrorInvalidValue: there is
 * none, or more dynamic shared memory than any device has.
 */
cudaError_t rt_launch_configuration(const cudaLaunchConfig_t *config, CUlaunchConfig *driver);

#endif
