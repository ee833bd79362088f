/* Texture and surface references: variables of a module (.texref, .surfref) that hold the object bound to them. */
#ifndef DRV_REFERENCE_H
#define DRV_REFERENCE_H

struct drv_module;

/* Ends the references of a module that is unloaded, and the objects bound to them. Needs the lock. */
void drv_references_free(struct drv_module *module);

#endif
