/* Instructions that are one row of the table: the name finds the row, the row says what the operands are. */
#include "../exec/float_flags.h"
#include "lower.h"

#include <stdio.h>

static const struct {
	const char *modifier;
	int flag;
} flags_of[] = {{"rn", CPU_ROUND_NEAREST}, {"rz", CPU_ROUND_ZERO}, {"rm", CPU_ROUND_DOWN}, {"rp", CPU_ROUND_UP},
		{"ftz", CPU_FTZ},          {"sat", CPU_SAT},       {"relu", CPU_RELU}};

/* Modifiers that change nothing here: all warps go together, and approximations are exact. */
static const char *const ignored[] = {"approx", "full", "sync", "aligned"};

struct key {
	char stem[64]; /* opcode and the modifiers that stay, without the last type */
	char type[16];
	int64_t flags;
	bool is_float;
};

static bool word_is(const char *word, size_t length, const char *text)
{
	return strlen(text) == length && !memcmp(word, text, length);
}

static bool modifier_is_ignored(const char *word, size_t length)
{
	for (size_t i = 0; i < sizeof(ignored) / sizeof(*ignored); i++)
		if (word_is(word, length, ignored[i]))
			return true;
	return false;
}

static bool modifier_is_flag(struct key *key, const char *word, size_t length)
{
	for (size_t i = 0; key->is_float && i < sizeof(flags_of) / sizeof(*flags_of); i++)
		if (word_is(word, length, flags_of[i].modifier)) {
			key->flags |= flags_of[i].flag;
			return true;
		}
	return false;
}

static void key_append(struct ptx_lowering *lowering, struct key *key, const char *word, size_t length)
{
	size_t used = strlen(key->stem);

	if (used + length + 2 > sizeof(key->stem))
		ptx_invalid(lowering, "unknown instruction");
	if (used)
		key->stem[used++] = '.';
	memcpy(key->stem + used, word, length);
	key->stem[used + length] = 0;
}

static struct key key_make(struct ptx_lowering *lowering)
{
	struct key key = {0};
	const char *name = lowering->at->name, *last = strrchr(name, '.');
	size_t length;

	if (last && strlen(last) < sizeof(key.type))
		snprintf(key.type, sizeof(key.type), "%s", last + 1);
	key.is_float = key.type[0] == 'f' || !strncmp(key.type, "bf", 2);
	for (const char *word = name; word && *word; word += length + (word[length] == '.')) {
		length = strcspn(word, ".");
		if (last && word == last + 1 && !modifier_is_ignored(word, length))
			break;
		if (word != name && (modifier_is_ignored(word, length) || modifier_is_flag(&key, word, length)))
			continue;
		key_append(lowering, &key, word, length);
	}
	if (last && modifier_is_ignored(last + 1, strlen(last + 1)))
		key.type[0] = 0;
	if (key.is_float && !strcmp(key.stem, "mad"))
		snprintf(key.stem, sizeof(key.stem), "fma");
	return key;
}

static uint32_t row_find(const char *stem, const char *form, const char *type)
{
	char name[96];

	snprintf(name, sizeof(name), "%s%s%s%s", stem, form, *type ? "." : "", type);
	return ptx_opcode_find(name);
}

static uint32_t key_row(struct ptx_lowering *lowering, const struct key *key)
{
	uint32_t row = PTX_NO_OPCODE;

	if (!key->flags)
		row = row_find(key->stem, "", key->type);
	else if (key->flags == CPU_FTZ)
		row = row_find(key->stem, ".ftz", key->type);
	if (row == PTX_NO_OPCODE && key->is_float)
		row = row_find(key->stem, "@any", key->type);
	if (row == PTX_NO_OPCODE)
		ptx_invalid(lowering, "unknown instruction");
	return row;
}

struct plain {
	uint32_t op[CPU_OPERANDS];
	unsigned count;
	size_t next; /* operand of the parsed instruction */
};

/* d, or d|p where the row has two; the second is optional. */
static void take_destinations(struct ptx_lowering *lowering, struct plain *plain, const char *classes, size_t count)
{
	const struct ptx_operand *d;

	if (!count)
		return;
	d = ptx_operand(lowering, plain->next++);
	plain->op[plain->count++] = ptx_destination(lowering, d, classes[0]);
	if (count > 1)
		plain->op[plain->count++] =
		    d->second ? ptx_destination(lowering, d->second, classes[1]) : ptx_temporary(lowering, classes[1]);
	else if (d->second)
		ptx_invalid(lowering, "too many destinations");
}

/* Only the member mask of an operation between lanes may be missing (the forms without .sync). */
static void take_sources(struct ptx_lowering *lowering, struct plain *plain, const char *classes, const struct key *key)
{
	for (; *classes; classes++) {
		if (plain->next == lowering->at->count && !classes[1] && !ptx_has(lowering, ".sync") &&
		    (!strncmp(key->stem, "shfl", 4) || !strncmp(key->stem, "vote", 4)))
			plain->op[plain->count++] = ptx_constant(lowering, 0, false);
		else
			plain->op[plain->count++] = ptx_source(lowering, ptx_operand(lowering, plain->next++), *classes,
							       key->is_float ? key->type : "b64", false);
	}
}

void ptx_lower_plain(struct ptx_lowering *lowering)
{
	struct key key = key_make(lowering);
	const struct ptx_opcode *opcode = ptx_opcode(key_row(lowering, &key));
	size_t destinations = strcspn(opcode->registers, "=");
	struct plain plain = {.count = 0};
	struct ptx_ir *ir;

	take_destinations(lowering, &plain, opcode->registers, destinations);
	take_sources(lowering, &plain, opcode->registers + destinations + 1, &key);
	if (plain.next != lowering->at->count)
		ptx_invalid(lowering, "too many operands");
	ir = ptx_emit(lowering, opcode->name);
	memcpy(ir->op, plain.op, plain.count * sizeof(*plain.op));
	ir->imm = key.flags;
}
