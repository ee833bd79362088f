/* Which streams are known to be idle, and which events complete, so that asking again costs no round trip.
 *
 * Every exported call that looks a stream up counts as a use of it when the call is over, that is behind the work that
 * it may have put there. A wait that began at a use, and has ended well, makes the stream idle until the next use.
 */
#ifndef CU_IDLE_H
#define CU_IDLE_H

#include <stdbool.h>

#include "call.h"

/* Notes that the calling thread's call uses a stream; the end of the call counts it. */
void cu_stream_note_use(u64 stream);

/* The call has only asked. */
void cu_stream_forget_use(void);

/* Ends the calling thread's exported call. */
void cu_stream_count_use(void);

/* The uses of a stream so far: to be asked for before a wait is sent. */
unsigned cu_stream_uses(u64 stream);

/* A wait that was sent at so many uses has ended: all work before it is done. */
void cu_stream_note_idle(u64 stream, unsigned uses);

/* Is nothing left to be done in the stream, as far as the program can know? Not of CUDA's default stream, which stands
   for others as well, and not in a capture. */
bool cu_stream_is_idle(u64 stream);

#endif
