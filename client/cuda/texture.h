/* Texture and surface objects as the client knows them. */
#ifndef CU_TEXTURE_H
#define CU_TEXTURE_H

#include <stdint.h>

/* Drops the objects that belonged to a context. */
void cu_textures_forget_context(uint64_t context);

#endif
