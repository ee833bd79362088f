/* The properties of a device, assembled from the driver's attributes. */
#ifndef CUDART_DEVICE_H
#define CUDART_DEVICE_H

#include "context.h"

/* Fills all of `properties` for device `ordinal`; needs no context. cudaErrorInvalidDevice: no such device. */
cudaError_t rt_device_properties(struct cudaDeviceProp *properties, int ordinal);

#endif
