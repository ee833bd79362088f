#include "results.h"

#include <stddef.h>

/* No default in these, so that the compiler reports a result of a new cuda.h that is not listed. */

const char *cr_result_name(CUresult result)
{
	switch (result) {
#define DRIVER_RESULT(code, text)                                                                                      \
	case code:                                                                                                     \
		return #code;
#include "results.def"
#undef DRIVER_RESULT
	}
	return NULL;
}

const char *cr_result_text(CUresult result)
{
	switch (result) {
#define DRIVER_RESULT(code, text)                                                                                      \
	case code:                                                                                                     \
		return text;
#include "results.def"
#undef DRIVER_RESULT
	}
	return NULL;
}
