/* Stream attributes, and the mode in which a thread captures. */
#include <cuda.h>

#include "context.h"
#include "driver.h"
#include "stream.h"

/* Attributes that a stream keeps. They are hints (how to wait, what to hold in which cache) and change no result. */
static bool attribute_known(CUstreamAttrID attribute)
{
	return attribute == CU_LAUNCH_ATTRIBUTE_SYNCHRONIZATION_POLICY ||
	       attribute == CU_LAUNCH_ATTRIBUTE_ACCESS_POLICY_WINDOW || attribute == CU_LAUNCH_ATTRIBUTE_PRIORITY ||
	       attribute == CU_LAUNCH_ATTRIBUTE_MEM_SYNC_DOMAIN || attribute == CU_LAUNCH_ATTRIBUTE_MEM_SYNC_DOMAIN_MAP;
}

DRV_API CUresult cuStreamGetAttribute(CUstream handle, CUstreamAttrID attribute, CUstreamAttrValue *value)
{
	struct drv_stream *stream;
	if (!value || !attribute_known(attribute))
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter_stream(handle, &stream);
	if (result != CUDA_SUCCESS)
		return result;
	*value = stream->attributes[attribute];
	if (attribute == CU_LAUNCH_ATTRIBUTE_PRIORITY)
		value->priority = stream->priority;
	return drv_leave(CUDA_SUCCESS);
}

/* The one value of an attribute that names something the device has only one of. */
static bool value_acceptable(CUstreamAttrID attribute, const CUstreamAttrValue *value)
{
	switch ((int)attribute) {
	case CU_LAUNCH_ATTRIBUTE_MEM_SYNC_DOMAIN:
		return value->memSyncDomain == CU_LAUNCH_MEM_SYNC_DOMAIN_DEFAULT;
	case CU_LAUNCH_ATTRIBUTE_MEM_SYNC_DOMAIN_MAP:
		return value->memSyncDomainMap.default_ == 0 && value->memSyncDomainMap.remote == 0;
	default:
		return true;
	}
}

DRV_API CUresult cuStreamSetAttribute(CUstream handle, CUstreamAttrID attribute, const CUstreamAttrValue *value)
{
	struct drv_stream *stream;
	if (!value || !attribute_known(attribute) || !value_acceptable(attribute, value))
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter_stream(handle, &stream);
	if (result != CUDA_SUCCESS)
		return result;
	if (attribute == CU_LAUNCH_ATTRIBUTE_PRIORITY)
		drv_stream_set_priority(stream, value->priority);
	stream->attributes[attribute] = *value;
	return drv_leave(CUDA_SUCCESS);
}

DRV_API CUresult cuStreamCopyAttributes(CUstream to, CUstream from)
{
	for (int attribute = 0; attribute < CU_LAUNCH_ATTRIBUTE_MAX; attribute++) {
		CUstreamAttrValue value;
		if (!attribute_known(attribute))
			continue;
		CUresult result = cuStreamGetAttribute(from, attribute, &value);
		if (result == CUDA_SUCCESS)
			result = cuStreamSetAttribute(to, attribute, &value);
		if (result != CUDA_SUCCESS)
			return result;
	}
	return CUDA_SUCCESS;
}

/* The mode only matters to threads that capture; it is kept for those who ask for it back. */
DRV_API CUresult cuThreadExchangeStreamCaptureMode(CUstreamCaptureMode *mode)
{
	static _Thread_local CUstreamCaptureMode current = CU_STREAM_CAPTURE_MODE_GLOBAL;
	if (!mode || (unsigned)*mode > CU_STREAM_CAPTURE_MODE_RELAXED)
		return CUDA_ERROR_INVALID_VALUE;
	CUstreamCaptureMode old = current;
	current = *mode;
	*mode = old;
	return CUDA_SUCCESS;
}
