/* What the CUDA headers look for in glibc's header of this name. */
#ifndef CRICKET_FEATURES_H
#define CRICKET_FEATURES_H

#define __THROW __attribute__((__nothrow__))

#endif
