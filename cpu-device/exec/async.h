/* Flags and codes that lowering gives to asynchronous operations in insn->imm. */
#ifndef CPU_ASYNC_H
#define CPU_ASYNC_H

/* mbarrier.arrive */
enum { CPU_ARRIVE_DROP = 1, CPU_ARRIVE_NOT_LAST = 2 };

/* cp.async.bulk, cp.reduce.async.bulk; the code of the reduction stands from bit CPU_BULK_OPERATION_SHIFT on */
enum {
	CPU_BULK_SIGNALS = 1,     /* completion by mbarrier */
	CPU_BULK_EVERY_BLOCK = 2, /* .multicast::cluster: operand 4 says to which blocks */
};

/* cp.async.bulk.tensor: the dimensions, flags, and the operation of a reduction; its type is the tensor's */
enum {
	CPU_TENSOR_RANK = 7,
	CPU_TENSOR_LOAD = 8,
	CPU_TENSOR_REDUCE = 16,
	CPU_TENSOR_EVERY_BLOCK = 32,
};
#define CPU_TENSOR_OPERATION_SHIFT 8

/* cp.reduce.async.bulk, red.async */
enum cpu_reduction_operation {
	CPU_REDUCTION_ADD,
	CPU_REDUCTION_MIN,
	CPU_REDUCTION_MAX,
	CPU_REDUCTION_INC,
	CPU_REDUCTION_DEC,
	CPU_REDUCTION_AND,
	CPU_REDUCTION_OR,
	CPU_REDUCTION_XOR,
};

enum cpu_reduction_type {
	CPU_REDUCTION_U32,
	CPU_REDUCTION_S32,
	CPU_REDUCTION_U64,
	CPU_REDUCTION_S64,
	CPU_REDUCTION_B32,
	CPU_REDUCTION_B64,
	CPU_REDUCTION_F16,
	CPU_REDUCTION_BF16,
	CPU_REDUCTION_F32,
	CPU_REDUCTION_F64,
};

#define CPU_REDUCTION_CODE(operation, type) ((operation) << 4 | (type))
#define CPU_REDUCTION_OPERATION(code) ((enum cpu_reduction_operation)((code) >> 4 & 7))
#define CPU_REDUCTION_TYPE(code) ((enum cpu_reduction_type)((code)&15))
#define CPU_BULK_OPERATION_SHIFT 8

#endif
