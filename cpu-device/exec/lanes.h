/* How lane functions are written. The files lanes_*.c are compiled once per instruction set, with CPU_ISA naming it;
   LANE() gives each copy its own name. Loops over lanes are plain C that the compiler turns into vector code. */
#ifndef CPU_LANES_H
#define CPU_LANES_H

#include <string.h>

#include "machine.h"

#define LANE_JOIN2(name, isa) cpu_##name##__##isa
#define LANE_JOIN(name, isa) LANE_JOIN2(name, isa)
#define LANE(name) LANE_JOIN(name, CPU_ISA)

#define LANE_FN(name)                                                                                                  \
	const struct cpu_insn *LANE(name)(struct cpu_warp * warp, const struct cpu_insn *insn, uint8_t *frame,         \
					  uint32_t mask)

/* Every lane function is declared, so that each file's definitions are checked against the table. */
#define ROW(text, registers, fn) LANE_FN(fn);
#include "../ptx/opcodes.def"
#undef ROW

/* PTX types, and the element that a register keeps for each. */
typedef uint8_t u8;
typedef int8_t s8;
typedef uint16_t u16;
typedef int16_t s16;
typedef uint32_t u32;
typedef int32_t s32;
typedef uint64_t u64;
typedef int64_t s64;
typedef float f32;
typedef double f64;
typedef u32 slot_u8, slot_s8, slot_u16, slot_s16, slot_u32;
typedef s32 slot_s32;
typedef u64 slot_u64;
typedef s64 slot_s64;
typedef f32 slot_f32;
typedef f64 slot_f64;

/* Registers are either the same or do not overlap, so iterations are independent. */
#if defined(__clang__)
#define LANE_PRAGMA _Pragma("clang loop vectorize(assume_safety)")
#else
#define LANE_PRAGMA _Pragma("GCC ivdep")
#endif
#define LANE_LOOP LANE_PRAGMA for (unsigned i = 0; i < CPU_LANES; i++)
#define HALF_LOOP LANE_PRAGMA for (unsigned i = 0; i < CPU_LANES / 2; i++)

/* The register of operand `k`, as elements of `type`. */
#define REGISTER(type, k) ((slot_##type *)__builtin_assume_aligned(frame + insn->op[k], CPU_FRAME_ALIGN))
#define PREDICATE(k) (*(uint32_t *)(frame + insn->op[k]))

/* Goes through the lanes of `m` one by one; for what is dear or touches memory. */
#define EACH_LANE(lane, m)                                                                                             \
	for (uint32_t rest_ = (m), lane = 0; rest_ && (lane = __builtin_ctz(rest_), 1); rest_ &= rest_ - 1)

#define UNUSED_LANE_ARGUMENTS ((void)warp, (void)frame, (void)mask)

/* d = expr of a (b, c …): `mask` is nearly always full, so that case has no blending. The expression is evaluated for
   all lanes: it must be defined for all values. */
#define LANES(D, expr)                                                                                                 \
	do {                                                                                                           \
		slot_##D *d_ = REGISTER(D, 0);                                                                         \
		UNUSED_LANE_ARGUMENTS;                                                                                 \
		if (mask == CPU_ALL_LANES) {                                                                           \
			LANE_LOOP d_[i] = (slot_##D)(D)(expr);                                                         \
		} else if (mask) {                                                                                     \
			LANE_LOOP                                                                                      \
			{                                                                                              \
				slot_##D value_ = (slot_##D)(D)(expr);                                                 \
				d_[i] = mask >> i & 1 ? value_ : d_[i];                                                \
			}                                                                                              \
		}                                                                                                      \
	} while (0)

#define UNARY(name, D, A, expr)                                                                                        \
	LANE_FN(name)                                                                                                  \
	{                                                                                                              \
		const slot_##A *a_ = REGISTER(A, 1);                                                                   \
		LANES(D, LANE_EXPRESSION1(A, expr));                                                                   \
		return insn + 1;                                                                                       \
	}
#define BINARY(name, D, A, B, expr)                                                                                    \
	LANE_FN(name)                                                                                                  \
	{                                                                                                              \
		const slot_##A *a_ = REGISTER(A, 1);                                                                   \
		const slot_##B *b_ = REGISTER(B, 2);                                                                   \
		LANES(D, LANE_EXPRESSION2(A, B, expr));                                                                \
		return insn + 1;                                                                                       \
	}
#define TERNARY(name, D, A, B, C, expr)                                                                                \
	LANE_FN(name)                                                                                                  \
	{                                                                                                              \
		const slot_##A *a_ = REGISTER(A, 1);                                                                   \
		const slot_##B *b_ = REGISTER(B, 2);                                                                   \
		const slot_##C *c_ = REGISTER(C, 3);                                                                   \
		LANES(D, LANE_EXPRESSION3(A, B, C, expr));                                                             \
		return insn + 1;                                                                                       \
	}
/* The operands of lane i under the names a, b, c. */
#define LANE_EXPRESSION1(A, expr)                                                                                      \
	({                                                                                                             \
		A a = (A)a_[i];                                                                                        \
		expr;                                                                                                  \
	})
#define LANE_EXPRESSION2(A, B, expr)                                                                                   \
	({                                                                                                             \
		A a = (A)a_[i];                                                                                        \
		B b = (B)b_[i];                                                                                        \
		expr;                                                                                                  \
	})
#define LANE_EXPRESSION3(A, B, C, expr)                                                                                \
	({                                                                                                             \
		A a = (A)a_[i];                                                                                        \
		B b = (B)b_[i];                                                                                        \
		C c = (C)c_[i];                                                                                        \
		expr;                                                                                                  \
	})

/* The same for functions that are not worth vectorising: only the lanes of the mask are computed. */
#define UNARY_EACH(name, D, A, expr)                                                                                   \
	LANE_FN(name)                                                                                                  \
	{                                                                                                              \
		const slot_##A *a_ = REGISTER(A, 1);                                                                   \
		slot_##D *d_ = REGISTER(D, 0);                                                                         \
		UNUSED_LANE_ARGUMENTS;                                                                                 \
		EACH_LANE(i, mask) d_[i] = (slot_##D)(D)LANE_EXPRESSION1(A, expr);                                     \
		return insn + 1;                                                                                       \
	}
#define BINARY_EACH(name, D, A, B, expr)                                                                               \
	LANE_FN(name)                                                                                                  \
	{                                                                                                              \
		const slot_##A *a_ = REGISTER(A, 1);                                                                   \
		const slot_##B *b_ = REGISTER(B, 2);                                                                   \
		slot_##D *d_ = REGISTER(D, 0);                                                                         \
		UNUSED_LANE_ARGUMENTS;                                                                                 \
		EACH_LANE(i, mask) d_[i] = (slot_##D)(D)LANE_EXPRESSION2(A, B, expr);                                  \
		return insn + 1;                                                                                       \
	}

static inline void predicate_write(uint32_t *predicate, uint32_t value, uint32_t mask)
{
	*predicate = (*predicate & ~mask) | (value & mask);
}

static inline u32 f32_bits(f32 value)
{
	u32 bits;

	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

static inline f32 f32_from(u32 bits)
{
	f32 value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

static inline u64 f64_bits(f64 value)
{
	u64 bits;

	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

static inline f64 f64_from(u64 bits)
{
	f64 value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

/* Subnormal numbers become zeros of their sign. */
static inline f32 f32_flush(f32 value)
{
	u32 bits = f32_bits(value);

	return f32_from(bits & 0x7f800000 ? bits : bits & 0x80000000);
}

#endif
