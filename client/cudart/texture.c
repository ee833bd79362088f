/* Texture and surface objects: the runtime's descriptions in the driver's form and back. */
#include <string.h>

#include "api.h"
#include "array.h"

static cudaError_t linear_translate(const struct cudaResourceDesc *p, CUDA_RESOURCE_DESC *driver)
{
	driver->res.linear.devPtr = (CUdeviceptr)p->res.linear.devPtr;
	driver->res.linear.sizeInBytes = p->res.linear.sizeInBytes;
	return rt_format_of_channels(&p->res.linear.desc, &driver->res.linear.format, &driver->res.linear.numChannels);
}

static cudaError_t pitch_translate(const struct cudaResourceDesc *p, CUDA_RESOURCE_DESC *driver)
{
	driver->res.pitch2D.devPtr = (CUdeviceptr)p->res.pitch2D.devPtr;
	driver->res.pitch2D.width = p->res.pitch2D.width;
	driver->res.pitch2D.height = p->res.pitch2D.height;
	driver->res.pitch2D.pitchInBytes = p->res.pitch2D.pitchInBytes;
	return rt_format_of_channels(&p->res.pitch2D.desc, &driver->res.pitch2D.format,
				     &driver->res.pitch2D.numChannels);
}

static cudaError_t resource_translate(const struct cudaResourceDesc *p, CUDA_RESOURCE_DESC *driver)
{
	if (!p)
		return cudaErrorInvalidValue;
	memset(driver, 0, sizeof(*driver));
	driver->resType = (CUresourcetype)p->resType;
	driver->flags = p->flags;
	switch (p->resType) {
	case cudaResourceTypeArray:
		driver->res.array.hArray = rt_array(p->res.array.array);
		return cudaSuccess;
	case cudaResourceTypeMipmappedArray:
		driver->res.mipmap.hMipmappedArray = (CUmipmappedArray)p->res.mipmap.mipmap;
		return cudaSuccess;
	case cudaResourceTypeLinear:
		return linear_translate(p, driver);
	case cudaResourceTypePitch2D:
		return pitch_translate(p, driver);
	}
	return cudaErrorInvalidValue;
}

static void resource_describe(const CUDA_RESOURCE_DESC *driver, struct cudaResourceDesc *p)
{
	memset(p, 0, sizeof(*p));
	p->resType = (enum cudaResourceType)driver->resType;
	p->flags = driver->flags;
	switch (p->resType) {
	case cudaResourceTypeArray:
		p->res.array.array = (cudaArray_t)driver->res.array.hArray;
		break;
	case cudaResourceTypeMipmappedArray:
		p->res.mipmap.mipmap = (cudaMipmappedArray_t)driver->res.mipmap.hMipmappedArray;
		break;
	case cudaResourceTypeLinear:
		p->res.linear.devPtr = (void *)driver->res.linear.devPtr;
		p->res.linear.sizeInBytes = driver->res.linear.sizeInBytes;
		p->res.linear.desc = rt_channels_of_format(driver->res.linear.format, driver->res.linear.numChannels);
		break;
	case cudaResourceTypePitch2D:
		p->res.pitch2D.devPtr = (void *)driver->res.pitch2D.devPtr;
		p->res.pitch2D.width = driver->res.pitch2D.width;
		p->res.pitch2D.height = driver->res.pitch2D.height;
		p->res.pitch2D.pitchInBytes = driver->res.pitch2D.pitchInBytes;
		p->res.pitch2D.desc =
		    rt_channels_of_format(driver->res.pitch2D.format, driver->res.pitch2D.numChannels);
		break;
	}
}

/* The driver has flags for what the runtime has fields, one of them with the opposite sense. */
static unsigned texture_flags(const struct cudaTextureDesc *p)
{
	return (p->readMode == cudaReadModeElementType ? CU_TRSF_READ_AS_INTEGER : 0u) |
	       (p->normalizedCoords ? CU_TRSF_NORMALIZED_COORDINATES : 0u) | (p->sRGB ? CU_TRSF_SRGB : 0u) |
	       (p->disableTrilinearOptimization ? CU_TRSF_DISABLE_TRILINEAR_OPTIMIZATION : 0u) |
	       (p->seamlessCubemap ? CU_TRSF_SEAMLESS_CUBEMAP : 0u);
}

static void texture_translate(const struct cudaTextureDesc *p, CUDA_TEXTURE_DESC *driver)
{
	memset(driver, 0, sizeof(*driver));
	for (int i = 0; i < 3; i++)
		driver->addressMode[i] = (CUaddress_mode)p->addressMode[i];
	driver->filterMode = (CUfilter_mode)p->filterMode;
	driver->flags = texture_flags(p);
	driver->maxAnisotropy = p->maxAnisotropy;
	driver->mipmapFilterMode = (CUfilter_mode)p->mipmapFilterMode;
	driver->mipmapLevelBias = p->mipmapLevelBias;
	driver->minMipmapLevelClamp = p->minMipmapLevelClamp;
	driver->maxMipmapLevelClamp = p->maxMipmapLevelClamp;
	memcpy(driver->borderColor, p->borderColor, sizeof(driver->borderColor));
}

static void texture_describe(const CUDA_TEXTURE_DESC *driver, struct cudaTextureDesc *p)
{
	memset(p, 0, sizeof(*p));
	for (int i = 0; i < 3; i++)
		p->addressMode[i] = (enum cudaTextureAddressMode)driver->addressMode[i];
	p->filterMode = (enum cudaTextureFilterMode)driver->filterMode;
	p->readMode = driver->flags & CU_TRSF_READ_AS_INTEGER ? cudaReadModeElementType : cudaReadModeNormalizedFloat;
	p->normalizedCoords = (driver->flags & CU_TRSF_NORMALIZED_COORDINATES) != 0;
	p->sRGB = (driver->flags & CU_TRSF_SRGB) != 0;
	p->disableTrilinearOptimization = (driver->flags & CU_TRSF_DISABLE_TRILINEAR_OPTIMIZATION) != 0;
	p->seamlessCubemap = (driver->flags & CU_TRSF_SEAMLESS_CUBEMAP) != 0;
	p->maxAnisotropy = driver->maxAnisotropy;
	p->mipmapFilterMode = (enum cudaTextureFilterMode)driver->mipmapFilterMode;
	p->mipmapLevelBias = driver->mipmapLevelBias;
	p->minMipmapLevelClamp = driver->minMipmapLevelClamp;
	p->maxMipmapLevelClamp = driver->maxMipmapLevelClamp;
	memcpy(p->borderColor, driver->borderColor, sizeof(p->borderColor));
}

RT_SAME_LAYOUT(struct cudaResourceViewDesc, CUDA_RESOURCE_VIEW_DESC);

cudaError_t cudaCreateTextureObject(cudaTextureObject_t *pTexObject, const struct cudaResourceDesc *pResDesc,
				    const struct cudaTextureDesc *pTexDesc,
				    const struct cudaResourceViewDesc *pResViewDesc)
{
	CUDA_RESOURCE_DESC resource;
	CUDA_TEXTURE_DESC texture;
	cudaError_t error = pTexObject && pTexDesc ? rt_enter() : cudaErrorInvalidValue;

	if (error == cudaSuccess)
		error = resource_translate(pResDesc, &resource);
	if (error == cudaSuccess) {
		texture_translate(pTexDesc, &texture);
		error = rt_error(rt_driver.cuTexObjectCreate(pTexObject, &resource, &texture,
							     (const CUDA_RESOURCE_VIEW_DESC *)pResViewDesc));
	}
	return rt_record(error);
}

RT_CALL(cudaDestroyTextureObject, (cudaTextureObject_t texObject), cuTexObjectDestroy(texObject))
RT_CALL(cudaGetTextureObjectResourceViewDesc,
	(struct cudaResourceViewDesc * pResViewDesc, cudaTextureObject_t texObject),
	cuTexObjectGetResourceViewDesc((CUDA_RESOURCE_VIEW_DESC *)pResViewDesc, texObject))

cudaError_t cudaGetTextureObjectResourceDesc(struct cudaResourceDesc *pResDesc, cudaTextureObject_t texObject)
{
	CUDA_RESOURCE_DESC resource;
	cudaError_t error = pResDesc ? rt_enter() : cudaErrorInvalidValue;

	if (error == cudaSuccess)
		error = rt_error(rt_driver.cuTexObjectGetResourceDesc(&resource, texObject));
	if (error == cudaSuccess)
		resource_describe(&resource, pResDesc);
	return rt_record(error);
}

cudaError_t cudaGetTextureObjectTextureDesc(struct cudaTextureDesc *pTexDesc, cudaTextureObject_t texObject)
{
	CUDA_TEXTURE_DESC texture;
	cudaError_t error = pTexDesc ? rt_enter() : cudaErrorInvalidValue;

	if (error == cudaSuccess)
		error = rt_error(rt_driver.cuTexObjectGetTextureDesc(&texture, texObject));
	if (error == cudaSuccess)
		texture_describe(&texture, pTexDesc);
	return rt_record(error);
}

cudaError_t cudaCreateSurfaceObject(cudaSurfaceObject_t *pSurfObject, const struct cudaResourceDesc *pResDesc)
{
	CUDA_RESOURCE_DESC resource;
	cudaError_t error = pSurfObject ? rt_enter() : cudaErrorInvalidValue;

	if (error == cudaSuccess)
		error = resource_translate(pResDesc, &resource);
	if (error == cudaSuccess)
		error = rt_error(rt_driver.cuSurfObjectCreate(pSurfObject, &resource));
	return rt_record(error);
}

RT_CALL(cudaDestroySurfaceObject, (cudaSurfaceObject_t surfObject), cuSurfObjectDestroy(surfObject))

cudaError_t cudaGetSurfaceObjectResourceDesc(struct cudaResourceDesc *pResDesc, cudaSurfaceObject_t surfObject)
{
	CUDA_RESOURCE_DESC resource;
	cudaError_t error = pResDesc ? rt_enter() : cudaErrorInvalidValue;

	if (error == cudaSuccess)
		error = rt_error(rt_driver.cuSurfObjectGetResourceDesc(&resource, surfObject));
	if (error == cudaSuccess)
		resource_describe(&resource, pResDesc);
	return rt_record(error);
}
