#include "boxes.h"

CUDA_MEMCPY3D cr_box_of_rectangle(const CUDA_MEMCPY2D *rectangle)
{
	return (CUDA_MEMCPY3D){.srcXInBytes = rectangle->srcXInBytes,
			       .srcY = rectangle->srcY,
			       .srcMemoryType = rectangle->srcMemoryType,
			       .srcHost = rectangle->srcHost,
			       .srcDevice = rectangle->srcDevice,
			       .srcArray = rectangle->srcArray,
			       .srcPitch = rectangle->srcPitch,
			       .dstXInBytes = rectangle->dstXInBytes,
			       .dstY = rectangle->dstY,
			       .dstMemoryType = rectangle->dstMemoryType,
			       .dstHost = rectangle->dstHost,
			       .dstDevice = rectangle->dstDevice,
			       .dstArray = rectangle->dstArray,
			       .dstPitch = rectangle->dstPitch,
			       .WidthInBytes = rectangle->WidthInBytes,
			       .Height = rectangle->Height,
			       .Depth = 1};
}

CUDA_MEMCPY3D cr_box_of_peer_copy(const CUDA_MEMCPY3D_PEER *copy)
{
	return (CUDA_MEMCPY3D){.srcXInBytes = copy->srcXInBytes,
			       .srcY = copy->srcY,
			       .srcZ = copy->srcZ,
			       .srcLOD = copy->srcLOD,
			       .srcMemoryType = copy->srcMemoryType,
			       .srcHost = copy->srcHost,
			       .srcDevice = copy->srcDevice,
			       .srcArray = copy->srcArray,
			       .srcPitch = copy->srcPitch,
			       .srcHeight = copy->srcHeight,
			       .dstXInBytes = copy->dstXInBytes,
			       .dstY = copy->dstY,
			       .dstZ = copy->dstZ,
			       .dstLOD = copy->dstLOD,
			       .dstMemoryType = copy->dstMemoryType,
			       .dstHost = copy->dstHost,
			       .dstDevice = copy->dstDevice,
			       .dstArray = copy->dstArray,
			       .dstPitch = copy->dstPitch,
			       .dstHeight = copy->dstHeight,
			       .WidthInBytes = copy->WidthInBytes,
			       .Height = copy->Height,
			       .Depth = copy->Depth};
}
