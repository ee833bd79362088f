/* Handles that programs hold (CUstream, CUmodule, …): numbers that are looked up, never pointers that are followed. */
#ifndef DRV_HANDLE_H
#define DRV_HANDLE_H

#include <stddef.h>

enum drv_kind {
	DRV_CONTEXT = 1,
	DRV_MODULE,
	DRV_FUNCTION,
	DRV_LIBRARY,
	DRV_KERNEL,
	DRV_STREAM,
	DRV_EVENT,
	DRV_POOL,
	DRV_LINK,
	DRV_PHYSICAL,
	DRV_ARRAY,
	DRV_MIPMAP,
	DRV_TEXTURE_REFERENCE,
	DRV_SURFACE_REFERENCE,
	DRV_GRAPH,
	DRV_GRAPH_NODE,
	DRV_GRAPH_EXEC,
	DRV_USER_OBJECT,
};

/* Makes a handle for `object`; NULL when memory is short. A handle carries its kind and a generation, so that a stale
   one or one of another kind is recognised. All functions here need the driver's lock. */
void *drv_handle_new(enum drv_kind kind, void *object);

/* The object behind `handle`, or NULL when it is not a live handle of that kind. */
void *drv_handle_get(enum drv_kind kind, const void *handle);

/* Ends a live handle. */
void drv_handle_end(const void *handle);

#endif
