/* How an instruction on floats rounds: the flags that lowering puts into insn->imm. */
#ifndef CPU_FLOAT_FLAGS_H
#define CPU_FLOAT_FLAGS_H

#define CPU_ROUND_NEAREST 0
#define CPU_ROUND_ZERO 1
#define CPU_ROUND_DOWN 2
#define CPU_ROUND_UP 3
#define CPU_ROUND_MASK 3
#define CPU_FTZ 4          /* subnormal inputs and results become zero */
#define CPU_SAT 8          /* clamp to [0, 1], NaN to 0 */
#define CPU_INTEGRAL 16    /* cvt between floats: to an integral value (.rni, .rzi, .rmi, .rpi) */
#define CPU_RELU 32        /* negative results become zero */
#define CPU_SAT_FINITE 64  /* results beyond the largest number become that */
#define CPU_ROUND_AWAY 128 /* to nearest, ties away from zero */

#endif
