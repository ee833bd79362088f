/* cuLink*: the server's driver links; inputs go there, messages and the image come back. */
#include <stdlib.h>
#include <string.h>

#include "hand.h"
#include "handles.h"
#include "image.h"
#include "jit.h"
#include "log.h"

/* One link. Its output options live as long as it does, as CUDA demands of the program. */
struct link {
	u64 id;
	struct cu_jit jit;
	char *image; /* once complete */
	size_t size;
};

static const load_logs no_logs;

static CUresult link_enter(struct link *link, CUlinkState *state)
{
	cu_objects_lock();
	bool entered = cu_object_enter(CR_KIND_LINK, link->id, link);
	cu_objects_unlock();
	if (!entered)
		return CUDA_ERROR_UNKNOWN;
	*state = cu_handle(link->id);
	cu_jit_finish(&link->jit, &no_logs);
	return CUDA_SUCCESS;
}

static CUresult create_call(struct link *link)
{
	struct cu_call call;
	link_options args = {{link->jit.count, link->jit.options}};
	CUresult err = cu_call_begin(&call, FN_cuLinkCreate_v2);
	return err ? err : cu_call_result(&call, xdr_link_options(call.args, &args), (xdrproc_t)xdr_u64, &link->id);
}

CUresult client_cuLinkCreate_v2(unsigned int numOptions, CUjit_option *options, void **optionValues,
				CUlinkState *stateOut)
{
	struct link *link = stateOut ? calloc(1, sizeof(*link)) : NULL;
	if (!link)
		return stateOut ? CUDA_ERROR_OUT_OF_MEMORY : CUDA_ERROR_INVALID_VALUE;
	CUresult err = cu_jit_read(&link->jit, options, optionValues, numOptions);
	if (!err)
		err = create_call(link);
	if (!err)
		err = link_enter(link, stateOut);
	if (err)
		free(link);
	return err;
}

/* The link behind a handle. As in CUDA, the program does not use one from two threads at once. */
static struct link *link_find(CUlinkState state)
{
	cu_objects_lock_shared();
	struct link *link = cu_object(CR_KIND_LINK, state);
	cu_objects_unlock();
	if (link)
		cu_jit_resume(&link->jit);
	return link;
}

static CUresult link_leave(struct link *link, CUresult err, load_logs *logs)
{
	cu_jit_finish(&link->jit, logs);
	if (err && logs->error.error_len)
		cr_log(CR_LOG_ERROR, "link: %.*s", (int)logs->error.error_len, logs->error.error_val);
	xdr_free((xdrproc_t)xdr_load_logs, logs);
	return err;
}

static CUresult input_call(struct link *link, link_input *input, load_logs *logs)
{
	struct cu_call call;
	CUresult err = cu_call_begin(&call, FN_cuLinkAddData_v2);
	(void)link;
	return err ? err
		   : cu_call_result_or(&call, xdr_link_input(call.args, input), (xdrproc_t)xdr_load_logs, logs,
				       (xdrproc_t)xdr_load_logs, logs);
}

CUresult client_cuLinkAddData_v2(CUlinkState state, CUjitInputType type, void *data, size_t size, const char *name,
				 unsigned int numOptions, CUjit_option *options, void **optionValues)
{
	struct link *link = link_find(state);
	struct cu_jit jit;
	load_logs logs = {0};
	link_input input = {.type = (int)type, .label = (char *)(uintptr_t)(name ? name : "")};
	if (!link)
		return CUDA_ERROR_INVALID_HANDLE;
	if (!data || !size || strlen(input.label) > CUDA_NAME_MAX)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult err = cu_jit_read(&jit, options, optionValues, numOptions);
	if (!err && (jit.wall_time || jit.info.data || jit.info.used || jit.error.data || jit.error.used))
		err = CUDA_ERROR_INVALID_VALUE;
	input.link = link->id;
	input.jit.jit_len = jit.count;
	input.jit.jit_val = jit.options;
	if (!err)
		err = cu_image_upload_bytes(data, size, &input.image);
	return err ? err : link_leave(link, input_call(link, &input, &logs), &logs);
}

CUresult client_cuLinkAddFile_v2(CUlinkState state, CUjitInputType type, const char *path, unsigned int numOptions,
				 CUjit_option *options, void **optionValues)
{
	char *data;
	size_t size;
	if (!link_find(state))
		return CUDA_ERROR_INVALID_HANDLE;
	CUresult err = cu_image_read_file(path, &data, &size);
	if (err)
		return err;
	err = client_cuLinkAddData_v2(state, type, data, size, path, numOptions, options, optionValues);
	free(data);
	return err;
}

static CUresult complete_call(struct link *link, linked *result, load_logs *failure)
{
	struct cu_call call;
	CUresult err = cu_call_begin(&call, FN_cuLinkComplete);
	return err ? err
		   : cu_call_result_or(&call, xdr_u64(call.args, &link->id), (xdrproc_t)xdr_linked, result,
				       (xdrproc_t)xdr_load_logs, failure);
}

/* Fetches the piece at `offset` and says how long it is. */
static CUresult piece_fetch(const struct link *link, u64 offset, char *to, size_t room, size_t *length)
{
	struct cu_call call;
	blob piece = {0};
	u64 id = link->id;
	CUresult err = cu_call_begin(&call, FN_cricketLinkRead);
	if (!err)
		err = cu_call_result(&call, xdr_u64(call.args, &id) && xdr_u64(call.args, &offset), (xdrproc_t)xdr_blob,
				     &piece);
	if (!err && (piece.blob_len == 0 || piece.blob_len > room))
		err = CUDA_ERROR_UNKNOWN;
	if (!err)
		memcpy(to, piece.blob_val, piece.blob_len);
	*length = piece.blob_len;
	xdr_free((xdrproc_t)xdr_blob, &piece);
	return err;
}

/* Memory grows with what arrives, not with what is announced. */
static CUresult image_fetch(struct link *link, u64 size)
{
	CUresult err = size && size <= CRICKET_IMAGE_MAX ? CUDA_SUCCESS : CUDA_ERROR_UNKNOWN;
	size_t got = 0, length;
	char *image = NULL;
	while (!err && got < size) {
		size_t room = size - got < CUDA_BLOB_MAX ? size - got : CUDA_BLOB_MAX;
		char *grown = realloc(image, got + room);
		if (!grown) {
			err = CUDA_ERROR_OUT_OF_MEMORY;
			break;
		}
		image = grown;
		err = piece_fetch(link, got, image + got, room, &length);
		got += length;
	}
	if (err) {
		free(image);
		return err;
	}
	link->image = image;
	link->size = got;
	return CUDA_SUCCESS;
}

CUresult client_cuLinkComplete(CUlinkState state, void **cubinOut, size_t *sizeOut)
{
	struct link *link = link_find(state);
	linked result = {0};
	load_logs failure = {0};
	CUresult err = CUDA_SUCCESS;
	if (!link)
		return CUDA_ERROR_INVALID_HANDLE;
	if (!cubinOut)
		return CUDA_ERROR_INVALID_VALUE;
	if (!link->image) {
		err = complete_call(link, &result, &failure);
		if (!err)
			err = image_fetch(link, result.size);
		err = link_leave(link, err, result.size ? &result.logs : &failure);
	}
	if (err)
		return err;
	*cubinOut = link->image;
	if (sizeOut)
		*sizeOut = link->size;
	return CUDA_SUCCESS;
}

CUresult client_cuLinkDestroy(CUlinkState state)
{
	struct cu_call call;
	cu_objects_lock();
	struct link *link = cu_object_remove(CR_KIND_LINK, state);
	cu_objects_unlock();
	if (!link)
		return CUDA_ERROR_INVALID_HANDLE;
	u64 id = link->id;
	free(link->image);
	free(link);
	CUresult err = cu_call_begin(&call, FN_cuLinkDestroy);
	return err ? err : cu_call_end(&call, xdr_u64(call.args, &id));
}
