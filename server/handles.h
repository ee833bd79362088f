/* The session's handle tables beyond what call.h offers to every handler. */
#ifndef SRV_HANDLES_H
#define SRV_HANDLES_H

#include "session.h"

void srv_handles_init(struct srv_session *session);
void srv_handles_free(struct srv_session *session);

/* Copies the object of `id`; false for a wrong or stale id. Any thread, as all of these. */
bool srv_object_get(struct srv_session *session, enum cr_kind kind, u64 id, struct srv_object *object);

/* Enters a copy of `object`; its new id, or 0 and *err. */
u64 srv_object_add(struct srv_session *session, enum cr_kind kind, const struct srv_object *object, CUresult *err);

/* Enters a copy of `object` under an id that the client minted. */
CUresult srv_object_enter(struct srv_session *session, enum cr_kind kind, u64 id, const struct srv_object *object);

/* The id of a driver handle, by looking at all of its kind; 0 when there is none. */
u64 srv_id_of(struct srv_session *session, enum cr_kind kind, const void *handle);

/* Replaces the object of a live `id`. */
void srv_object_set(struct srv_session *session, enum cr_kind kind, u64 id, const struct srv_object *object);

void srv_object_remove(struct srv_session *session, enum cr_kind kind, u64 id);

/* The id of the primary context of `device`, or 0. */
u64 srv_primary_find(struct srv_session *session, CUdevice device, struct srv_object *object);

/* The id of the primary context of `device`, which stays the same; made, not retained, when it is new. 0 and *err. */
u64 srv_primary_id(struct srv_session *session, CUdevice device, CUresult *err);

/* Forgets all that ended with `context`. */
void srv_forget_context(struct srv_session *session, CUcontext context);

/* Forgets the functions and modules that came from module or library `parent`, and theirs. */
void srv_forget_children(struct srv_session *session, u64 parent);

/* Forgets the arrays that are levels of a mipmapped one. */
void srv_forget_levels(struct srv_session *session, u64 mipmap);

/* Calls `visit` for the id of every context. */
void srv_contexts_visit(struct srv_session *session, void (*visit)(const struct srv_object *context));

#endif
