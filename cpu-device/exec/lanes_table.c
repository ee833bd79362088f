/* The lane functions of one instruction set, in the order of opcodes.def. */
#include "lanes.h"

extern const cpu_lane_fn LANE(lane_table)[];

#define ROW(text, registers, fn) LANE(fn),
const cpu_lane_fn LANE(lane_table)[] = {
#include "../ptx/opcodes.def"
};
#undef ROW
