#include "host_copy.h"

#include "capture.h"
#include "session.h"

static host_box box_of(const copy_side *side, const copy_3d *copy)
{
	return (host_box){side->address, side->pitch, side->slice, copy->width, copy->height, copy->depth};
}

/* Fields of CUDA_MEMCPY3D for a side: the slices of pitched memory follow each other after whole rows. */
static CUresult describe_from(CUDA_MEMCPY3D *copy, const copy_side *side)
{
	if (side->pitch && side->slice % side->pitch)
		return CUDA_ERROR_INVALID_VALUE;
	copy->srcMemoryType = side->host ? CU_MEMORYTYPE_HOST : CU_MEMORYTYPE_DEVICE;
	copy->srcHost = (void *)(uintptr_t)side->address;
	copy->srcDevice = side->address;
	copy->srcPitch = side->pitch;
	copy->srcHeight = side->pitch ? side->slice / side->pitch : 0;
	return CUDA_SUCCESS;
}

static CUresult describe_to(CUDA_MEMCPY3D *copy, const copy_side *side)
{
	if (side->pitch && side->slice % side->pitch)
		return CUDA_ERROR_INVALID_VALUE;
	copy->dstMemoryType = side->host ? CU_MEMORYTYPE_HOST : CU_MEMORYTYPE_DEVICE;
	copy->dstHost = (void *)(uintptr_t)side->address;
	copy->dstDevice = side->address;
	copy->dstPitch = side->pitch;
	copy->dstHeight = side->pitch ? side->slice / side->pitch : 0;
	return CUDA_SUCCESS;
}

/* The packed box in the work's staging memory. */
static copy_side staged(const struct srv_host_work *work, const copy_3d *copy)
{
	return (copy_side){.host = true,
			   .address = (uintptr_t)work->staging,
			   .pitch = copy->width,
			   .slice = copy->width * copy->height};
}

/* A copy within the client's memory. */
static CUresult prepare_copy(struct srv_worker *worker, u64 function, const copy_3d *wanted,
			     struct srv_host_copy *prepared)
{
	host_box to = box_of(&wanted->to, wanted);
	prepared->before = srv_host_work_new(worker, HOST_TASK_COPY, function, &to);
	if (!prepared->before)
		return CUDA_ERROR_OUT_OF_MEMORY;
	prepared->before->from = box_of(&wanted->from, wanted);
	return CUDA_SUCCESS;
}

static CUresult prepare_staged(struct srv_worker *worker, u64 function, const copy_3d *wanted,
			       struct srv_host_copy *prepared)
{
	bool reads = wanted->from.host;
	host_box box = box_of(reads ? &wanted->from : &wanted->to, wanted);
	struct srv_host_work *work =
	    srv_host_work_new(worker, reads ? HOST_TASK_READ : HOST_TASK_WRITE, function, &box);
	if (!work)
		return CUDA_ERROR_OUT_OF_MEMORY;
	if (reads)
		prepared->before = work;
	else
		prepared->behind = work;
	copy_side staging = staged(work, wanted);
	prepared->copies = true;
	CUresult err = describe_from(&prepared->copy, reads ? &staging : &wanted->from);
	if (!err)
		err = describe_to(&prepared->copy, reads ? &wanted->to : &staging);
	if (err)
		srv_host_work_free(work);
	return err;
}

CUresult srv_host_copy_prepare(struct srv_worker *worker, u64 function, const copy_3d *wanted,
			       struct srv_host_copy *prepared)
{
	*prepared = (struct srv_host_copy){
	    .copy = {.WidthInBytes = wanted->width, .Height = wanted->height, .Depth = wanted->depth}};
	if (!wanted->width || !wanted->height || !wanted->depth)
		return CUDA_ERROR_INVALID_VALUE;
	if (wanted->from.host && wanted->to.host)
		return prepare_copy(worker, function, wanted, prepared);
	if (wanted->from.host || wanted->to.host)
		return prepare_staged(worker, function, wanted, prepared);
	prepared->copies = true;
	CUresult err = describe_from(&prepared->copy, &wanted->from);
	return err ? err : describe_to(&prepared->copy, &wanted->to);
}

static void CUDA_CB free_work(void *work)
{
	srv_host_work_free(work);
}

static CUresult launch_copy(const CUDA_MEMCPY3D *copy, CUstream stream)
{
	CUDA_MEMCPY2D rows = {
	    .srcMemoryType = copy->srcMemoryType,
	    .srcHost = copy->srcHost,
	    .srcDevice = copy->srcDevice,
	    .srcPitch = copy->srcPitch,
	    .dstMemoryType = copy->dstMemoryType,
	    .dstHost = copy->dstHost,
	    .dstDevice = copy->dstDevice,
	    .dstPitch = copy->dstPitch,
	    .WidthInBytes = copy->WidthInBytes,
	    .Height = copy->Height,
	};
	CUresult err = CUDA_SUCCESS;
	/* One side is no host memory: its pointer is NULL and stays unused. */
	for (size_t slice = 0; slice < copy->Depth && !err; slice++) {
		err = SRV_DRIVER(cuMemcpy2DAsync_v2, &rows, stream);
		rows.srcDevice += copy->srcPitch * copy->srcHeight;
		rows.srcHost = (const void *)((uintptr_t)rows.srcHost + copy->srcPitch * copy->srcHeight);
		rows.dstDevice += copy->dstPitch * copy->dstHeight;
		rows.dstHost = (void *)((uintptr_t)rows.dstHost + copy->dstPitch * copy->dstHeight);
	}
	return err;
}

/* Enqueues the copy between, before or behind its task. */
static CUresult enqueue(const struct srv_host_copy *prepared, struct srv_host_work *work, CUstream stream)
{
	CUresult err = CUDA_SUCCESS;
	if (prepared->before)
		err = SRV_DRIVER(cuLaunchHostFunc, stream, srv_host_work_run, work);
	if (!err && prepared->copies)
		err = launch_copy(&prepared->copy, stream);
	if (!err && prepared->behind)
		err = SRV_DRIVER(cuLaunchHostFunc, stream, srv_host_work_run, work);
	return err;
}

/* The staging memory of what is read before is needed until the copy is done. */
CUresult srv_host_copy_launch(struct srv_call *call, struct srv_host_copy *prepared, const copy_3d *wanted,
			      CUstream stream)
{
	struct srv_host_work *work = prepared->before ? prepared->before : prepared->behind;
	if (!work)
		return launch_copy(&prepared->copy, stream);
	bool captured = srv_stream_captures(stream), frees = prepared->before && prepared->copies;
	work->once = !captured && !frees;
	CUresult err = enqueue(prepared, work, stream);
	if (err)
		srv_host_work_keep(work); /* the driver may have half of it */
	else if (captured)
		srv_capture_own_copy(call, stream, work, wanted);
	else if (frees && SRV_DRIVER(cuLaunchHostFunc, stream, free_work, work))
		srv_host_work_keep(work);
	return err;
}
