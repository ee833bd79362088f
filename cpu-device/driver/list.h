/* Doubly linked rings with a head inside the owner, for the objects that contexts and queues keep. */
#ifndef DRV_LIST_H
#define DRV_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct drv_link {
	struct drv_link *next;
	struct drv_link *previous;
};

/* The object of `type` whose field `field` is `link`. */
#define DRV_ENTRY(link, type, field) ((type *)((char *)(link)-offsetof(type, field)))

static inline void drv_list_init(struct drv_link *head)
{
	head->next = head;
	head->previous = head;
}

static inline bool drv_list_empty(const struct drv_link *head)
{
	return head->next == head;
}

static inline void drv_list_append(struct drv_link *head, struct drv_link *link)
{
	link->previous = head->previous;
	link->next = head;
	head->previous->next = link;
	head->previous = link;
}

/* Takes `link` out of its ring; it becomes a ring of its own, so that a second removal does no harm. */
static inline void drv_list_remove(struct drv_link *link)
{
	link->previous->next = link->next;
	link->next->previous = link->previous;
	drv_list_init(link);
}

#endif
