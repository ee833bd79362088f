/* Formats of the integers of known width. */
#ifndef CRICKET_INTTYPES_H
#define CRICKET_INTTYPES_H

#include <stdint.h>

#define PRIu64 "lu"
#define PRIx64 "lx"
#define PRIu32 "u"
#define PRIx32 "x"

#endif
