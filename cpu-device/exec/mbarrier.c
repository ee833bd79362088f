#include "mbarrier.h"

/* Bit 0: parity of the phase. Bits 1–20: arrivals pending; 21–40: expected in each phase; 41–61: bytes pending, with an
   offset; 62, 63: a mark by which garbage is told from an object. */
#define PENDING_AT 1
#define EXPECTED_AT 21
#define BYTES_AT 41
#define BYTES_ZERO (1 << 20)
#define BYTES_MASK ((1u << 21) - 1)
#define MARK ((uint64_t)2 << 62)
#define MARK_MASK ((uint64_t)3 << 62)

struct fields {
	uint32_t parity, pending, expected;
	int32_t bytes;
};

static struct fields unpack(uint64_t object)
{
	return (struct fields){object & 1, object >> PENDING_AT & CPU_MBARRIER_MOST,
			       object >> EXPECTED_AT & CPU_MBARRIER_MOST,
			       (int32_t)(object >> BYTES_AT & BYTES_MASK) - BYTES_ZERO};
}

static uint64_t pack(struct fields fields)
{
	return MARK | fields.parity | (uint64_t)fields.pending << PENDING_AT |
	       (uint64_t)fields.expected << EXPECTED_AT | (uint64_t)(fields.bytes + BYTES_ZERO) << BYTES_AT;
}

uint64_t cpu_mbarrier_new(uint32_t count)
{
	return pack((struct fields){0, count, count, 0});
}

bool cpu_mbarrier_valid(uint64_t object)
{
	return (object & MARK_MASK) == MARK;
}

/* Stores the fields, as those of the next phase when this one has ended. */
static void phase_update(uint64_t *object, struct fields fields)
{
	if (!fields.pending && !fields.bytes) {
		fields.parity ^= 1;
		fields.pending = fields.expected;
	}
	*object = pack(fields);
}

bool cpu_mbarrier_arrive(uint64_t *object, uint32_t count, bool drop)
{
	struct fields fields = unpack(*object);

	if (count > fields.pending || (drop && count > fields.expected))
		return false;
	fields.pending -= count;
	if (drop)
		fields.expected -= count;
	phase_update(object, fields);
	return true;
}

bool cpu_mbarrier_completes(uint64_t object, uint32_t count)
{
	struct fields fields = unpack(object);

	return fields.pending == count && !fields.bytes;
}

bool cpu_mbarrier_bytes(uint64_t *object, int64_t bytes)
{
	struct fields fields = unpack(*object);
	int64_t sum = fields.bytes + bytes;

	if (sum > (int64_t)CPU_MBARRIER_MOST || sum < -(int64_t)CPU_MBARRIER_MOST)
		return false;
	fields.bytes = (int32_t)sum;
	phase_update(object, fields);
	return true;
}

uint32_t cpu_mbarrier_pending(uint64_t state)
{
	return unpack(state).pending;
}
