/* Graphs: nodes with tasks, and the edges between them. Everything here needs the driver's lock. */
#ifndef DRV_GRAPH_H
#define DRV_GRAPH_H

#include <cuda.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "copy.h"
#include "exec.h"
#include "list.h"

struct drv_graph;
struct drv_graph_node;
struct drv_stream;
struct drv_user_references;

/* A variable of the device that a conditional node reads; its address is the CUgraphConditionalHandle. */
struct drv_condition {
	unsigned references;
	CUdeviceptr address;
	unsigned initial;
	bool assigns; /* gets `initial` at each launch */
	struct drv_condition *next;
};

/* Memory that a graph allocates: at a fixed address as long as a node or an executable graph refers to it. */
struct drv_graph_memory {
	unsigned references;
	CUdeviceptr address;
	size_t size;
	bool live; /* between its allocation and its free, as the order of work has it */
	struct drv_link siblings;
};

/* What a node does. Tasks do not change: setting a node's parameters gives it a new one, while launches under way keep
   theirs. */
struct drv_task {
	unsigned references;
	CUgraphNodeParams params; /* as given, but for pointers, which lead into `memory` */
	struct cpu_launch launch; /* of a kernel */
	struct drv_copy copy;
	void *memory;
	struct drv_graph **bodies; /* a child graph, or those of a conditional node: owned */
	unsigned body_count;
	struct drv_condition *condition;
	struct drv_graph_memory *allocation;
	bool prioritised;                                           /* launch.priority counts, not the stream's */
	CUlaunchAttributeValue attributes[CU_LAUNCH_ATTRIBUTE_MAX]; /* of a kernel, that the program has set */
};

/* Makes a task of parameters, which are checked. A child graph is cloned, the bodies of a conditional node are made.
   CUDA_ERROR_INVALID_VALUE and the errors of the work itself; CUDA_ERROR_NOT_SUPPORTED for kinds that the device cannot
   do. `graph` is the one that the node is or will be in. `copy` is what a memcpy node's parameters describe
   (drv_copy_3d_describe(), without the lock); else NULL. */
CUresult drv_task_new(struct drv_graph *graph, const CUgraphNodeParams *params, const struct drv_copy *copy,
		      struct drv_task **task);
/* A copy of a kernel's task, to be changed before it is used; NULL when memory is short. */
struct drv_task *drv_task_copy_kernel(const struct drv_task *task);
struct drv_task *drv_task_hold(struct drv_task *task);
void drv_task_drop(struct drv_task *task); /* NULL is fine */

/* Does the work of a kernel, memcpy, memset, host or batch memory operation node, without the lock. */
CUresult drv_task_perform(const struct drv_task *task, struct drv_stream *stream);

struct drv_edge {
	struct drv_graph_node *node; /* at the other end */
	CUgraphEdgeData data;
};

struct drv_edges {
	struct drv_edge *items;
	size_t count, room;
};

struct drv_graph_node {
	CUgraphNode handle;
	struct drv_graph *graph;
	struct drv_task *task;
	struct drv_edges in, out;
	uint64_t id; /* in the graph, in order of creation; the same in clones */
	size_t mark; /* for whoever walks over the graph */
	struct drv_link siblings;
};

struct drv_graph {
	CUgraph handle;
	struct drv_graph *parent; /* whose node owns it; NULL: the program does */
	struct drv_link nodes;    /* in order of creation */
	size_t node_count;
	uint64_t last_id;
	uint64_t origin; /* the same in clones, else unique */
	unsigned execs;  /* executable graphs made of it */
	struct drv_condition *conditions;
	struct drv_user_references *objects;
	void *capture; /* that adds to it */
};

/* Makes an empty graph; NULL when memory is short. */
struct drv_graph *drv_graph_new(struct drv_graph *parent);
void drv_graph_free(struct drv_graph *graph);
CUresult drv_graph_clone(const struct drv_graph *from, struct drv_graph *parent, struct drv_graph **out);
struct drv_graph *drv_graph_get(CUgraph handle);
struct drv_graph_node *drv_graph_node_get(CUgraphNode handle);

/* Has it, or a graph inside it, a node of this kind? */
bool drv_graph_has(const struct drv_graph *graph, CUgraphNodeType type);

/* Adds a node that does `task` (whose reference it takes, also on failure) behind the nodes `from`. `data` may be NULL.
   CUDA_ERROR_INVALID_VALUE: a node of another graph, or one twice. */
CUresult drv_graph_add(struct drv_graph *graph, struct drv_graph_node *const *from, const CUgraphEdgeData *data,
		       size_t count, struct drv_task *task, struct drv_graph_node **out);

/* The nodes in an order in which each comes behind what it depends on: an array to be freed; NULL when memory is short
   or
   `*cycle` was set to a node of a cycle. */
struct drv_graph_node **drv_graph_sort(struct drv_graph *graph, struct drv_graph_node **cycle);

/* Conditions and memory. */
struct drv_condition *drv_condition_hold(struct drv_condition *condition);
void drv_condition_drop(struct drv_condition *condition);
CUresult drv_graph_memory_new(const CUDA_MEM_ALLOC_NODE_PARAMS_v2 *params, struct drv_graph_memory **out);
struct drv_graph_memory *drv_graph_memory_find(CUdeviceptr address);
struct drv_graph_memory *drv_graph_memory_hold(struct drv_graph_memory *memory);
void drv_graph_memory_drop(struct drv_graph_memory *memory);
void drv_graph_memory_set_live(struct drv_graph_memory *memory, bool live);

/* The program frees it, with a function for any memory. False: no graph has to do with the memory (any more). */
bool drv_graph_memory_freed(CUdeviceptr address);

/* The program frees it in the order of a stream. True: that is done, since the memory stays with its graph. */
bool drv_graph_memory_stays(CUdeviceptr address);

/* The memory goes away, whatever needs it: its context does. */
void drv_graph_memory_forget(CUdeviceptr address);

/* User objects. */
struct drv_user_references *drv_user_references_clone(const struct drv_user_references *from, bool *failed);
void drv_user_references_drop(struct drv_user_references *references);

#endif
