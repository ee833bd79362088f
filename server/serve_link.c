/* cuLink*: the driver links what the client has uploaded. */
#include <stdlib.h>
#include <string.h>

#include "handlers.h"
#include "handles.h"
#include "jit.h"
#include "serve_link.h"

/* Behind a handle of kind link. The driver writes into the log buffers as long as its link lives. */
struct link {
	CUlinkState state;
	struct srv_jit jit;
	char *image; /* the driver's, once complete */
	size_t size;
};

static void link_free(struct link *link)
{
	if (link->state)
		(void)SRV_DRIVER(cuLinkDestroy, link->state);
	srv_jit_free(&link->jit);
	free(link);
}

void srv_links_free(struct srv_session *session)
{
	const struct cr_handle_table *table = &session->handles[CR_KIND_LINK];
	for (uint32_t i = 0; i < table->count; i++) {
		const struct srv_object *object = table->slots[i].object;
		if (object)
			link_free(object->handle);
	}
}

static CUresult link_find(struct srv_call *call, u64 id, struct link **link)
{
	struct srv_object object;
	if (!srv_object_get(call->session, CR_KIND_LINK, id, &object))
		return CUDA_ERROR_INVALID_HANDLE;
	*link = object.handle;
	return CUDA_SUCCESS;
}

static CUresult link_create(struct srv_call *call, const link_options *args, u64 *id)
{
	struct link *link = calloc(1, sizeof(*link));
	if (!link)
		return CUDA_ERROR_OUT_OF_MEMORY;
	CUresult err = srv_jit_make(&link->jit, args->jit.jit_val, args->jit.jit_len, true);
	if (!err)
		err = SRV_DRIVER(cuLinkCreate_v2, link->jit.count, link->jit.options, link->jit.values, &link->state);
	const struct srv_object object = {.handle = link};
	if (!err)
		*id = srv_object_add(call->session, CR_KIND_LINK, &object, &err);
	if (err)
		link_free(link);
	return err;
}

bool serve_cuLinkCreate_v2(struct srv_call *call)
{
	link_options args = {0};
	u64 id = 0;
	bool decoded = xdr_link_options(call->args, &args);
	if (decoded) {
		CUresult err = srv_begin(call);
		if (!err)
			err = link_create(call, &args, &id);
		decoded = srv_reply(call, err) && (err || xdr_u64(call->result, &id));
	}
	xdr_free((xdrproc_t)xdr_link_options, &args);
	return decoded;
}

static bool logs_encode(struct srv_call *call, const struct link *link)
{
	load_logs logs = {0};
	if (link)
		logs = srv_jit_logs(&link->jit);
	return xdr_load_logs(call->result, &logs);
}

static CUresult input_add(struct srv_call *call, const link_input *input, struct link *link)
{
	struct srv_jit jit = {.count = 0};
	size_t size;
	char *image = srv_image_take(&call->session->images, input->image, &size);
	CUresult err =
	    image ? srv_jit_make(&jit, input->jit.jit_val, input->jit.jit_len, false) : CUDA_ERROR_INVALID_IMAGE;
	if (!err)
		err = SRV_DRIVER(cuLinkAddData_v2, link->state, (CUjitInputType)input->type, image, size, input->label,
				 jit.count, jit.options, jit.values);
	srv_jit_free(&jit);
	free(image);
	return err;
}

bool serve_cuLinkAddData_v2(struct srv_call *call)
{
	link_input input = {0};
	struct link *link = NULL;
	bool decoded = xdr_link_input(call->args, &input);
	if (decoded) {
		CUresult err = srv_begin(call);
		if (!err)
			err = link_find(call, input.link, &link);
		if (!err)
			err = input_add(call, &input, link);
		decoded = srv_reply(call, err) && logs_encode(call, link);
	}
	xdr_free((xdrproc_t)xdr_link_input, &input);
	return decoded;
}

bool serve_cuLinkComplete(struct srv_call *call)
{
	u64 id, size;
	struct link *link = NULL;
	void *image;
	if (!xdr_u64(call->args, &id))
		return false;
	CUresult err = srv_begin(call);
	if (!err)
		err = link_find(call, id, &link);
	if (!err)
		err = SRV_DRIVER(cuLinkComplete, link->state, &image, &link->size);
	if (!err)
		link->image = image;
	size = link ? link->size : 0;
	return srv_reply(call, err) && logs_encode(call, link) && (err || xdr_u64(call->result, &size));
}

bool serve_cricketLinkRead(struct srv_call *call)
{
	u64 id, offset;
	struct link *link;
	blob piece = {0};
	if (!xdr_u64(call->args, &id) || !xdr_u64(call->args, &offset))
		return false;
	CUresult err = srv_begin(call);
	if (!err)
		err = link_find(call, id, &link);
	if (!err && (!link->image || offset >= link->size))
		err = CUDA_ERROR_INVALID_VALUE;
	if (!err) {
		piece.blob_val = link->image + offset;
		piece.blob_len = (u_int)(link->size - offset < CUDA_BLOB_MAX ? link->size - offset : CUDA_BLOB_MAX);
	}
	return srv_reply(call, err) && (err || xdr_blob(call->result, &piece));
}

bool serve_cuLinkDestroy(struct srv_call *call)
{
	u64 id;
	struct link *link;
	if (!xdr_u64(call->args, &id))
		return false;
	CUresult err = srv_begin(call);
	if (!err)
		err = link_find(call, id, &link);
	if (!err) {
		srv_object_remove(call->session, CR_KIND_LINK, id);
		link_free(link);
	}
	return srv_reply(call, err);
}
