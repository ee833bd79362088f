/* The client's graphs and their nodes. Driver handles are found by id and ids by driver handle, since the driver
   answers questions with its own. Used by the stream's leader alone. */
#ifndef SRV_GRAPH_H
#define SRV_GRAPH_H

#include "host_copy.h"

struct srv_graph;

/* A driver handle and what it belongs to; in a search tree. */
struct srv_name {
	const void *handle;
	struct srv_graph *graph; /* a graph, or */
	struct srv_node *node;   /* a node of one */
};

struct srv_graph {
	struct srv_graph *next;
	struct srv_graph *parent; /* of the graph of a node, which ends with its parent, */
	struct srv_node *owner;   /* and with the node, if that is known */
	struct srv_name name;
	u64 id;
	struct srv_node *nodes; /* those that have an id */
	bool tasks;             /* is there, or was there, a node that is a task of the client's? */
};

/* A node of the client's. It has two of the driver's where host memory takes part in a copy: what must come before it
   comes before `entry`, what comes behind it comes behind `exit`. */
struct srv_node {
	struct srv_node *next;
	struct srv_graph *graph;
	struct srv_name entry, exit; /* the same handle for most nodes; then only `exit` is in the tree */
	u64 id;
	copy_3d copy;               /* of a node with two */
	struct srv_host_work *work; /* its task, or that of a host node; not owned */
	u64 function;               /* of a host node: the client's name */
	u64 *bodies;                /* the ids of a conditional node's graphs; owned */
	u_int body_count;
};

struct srv_graphs {
	struct srv_graph *first;
	void *names; /* tsearch(3) */
};

/* Finds what an id, minted here or by the client, names; NULL when it is none. */
struct srv_graph *srv_graph_find(struct srv_call *call, u64 id);
struct srv_node *srv_node_find(struct srv_call *call, u64 id);

/* Enters a graph of the driver's under an id of the client's, or, if `id` is 0, under a new one. A graph that is known
   already stays what it is. NULL and *err when memory is exhausted or the id is taken. */
struct srv_graph *srv_graph_enter(struct srv_call *call, CUgraph handle, u64 id, struct srv_graph *parent,
				  CUresult *err);

/* The same for a node of `graph`, whose two handles may be equal. */
struct srv_node *srv_node_enter(struct srv_call *call, struct srv_graph *graph, CUgraphNode entry, CUgraphNode exit,
				u64 id, CUresult *err);

/* Forgets a graph with its nodes and child graphs, or a node. */
void srv_graph_forget(struct srv_call *call, struct srv_graph *graph);
void srv_node_forget(struct srv_call *call, struct srv_node *node);

/* Notes that the graph, and so those that it is a part of, has a task of the client's. */
void srv_graph_set_tasks(struct srv_graph *graph);

/* Frees the work when nothing can come to it any more: the graph, its clones and its instances are gone. */
void srv_graph_own_work(struct srv_graph *graph, struct srv_host_work *work);

static inline CUgraph srv_graph_handle(const struct srv_graph *graph)
{
	return (CUgraph)(uintptr_t)graph->name.handle;
}

static inline CUgraphNode srv_node_entry(const struct srv_node *node)
{
	return (CUgraphNode)(uintptr_t)node->entry.handle;
}

static inline CUgraphNode srv_node_exit(const struct srv_node *node)
{
	return (CUgraphNode)(uintptr_t)node->exit.handle;
}

/* Frees the bookkeeping at the end of the session. */
void srv_graphs_free(struct srv_graphs *graphs);

#endif
