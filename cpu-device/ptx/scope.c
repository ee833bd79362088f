#include "scope.h"

uint32_t ptx_name_hash(const char *name, size_t length)
{
	uint32_t hash = 2166136261u; /* FNV-1a */

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ (unsigned char)name[i]) * 16777619u;
	return hash;
}

static size_t name_bucket(const char *name, size_t length)
{
	return ptx_name_hash(name, length) % PTX_BUCKETS;
}

void ptx_scope_push(struct ptx_scopes *scopes, int line)
{
	if (scopes->depth + 1 == PTX_SCOPES)
		ptx_escape(scopes->arena, CUDA_ERROR_INVALID_PTX, line, "blocks nest too deeply");
	scopes->depth++;
	scopes->symbols[scopes->depth] = NULL;
	scopes->pending[scopes->depth] = NULL;
}

static bool label_bind(const struct ptx_scopes *scopes, struct ptx_label *label)
{
	const struct ptx_symbol *symbol = ptx_scope_find(scopes, label->name, strlen(label->name));

	if (!symbol || symbol->kind != PTX_SYMBOL_LABEL)
		return false;
	*label = *symbol->label;
	return true;
}

static void labels_bind(struct ptx_scopes *scopes)
{
	struct ptx_pending *pending = scopes->pending[scopes->depth];

	while (pending) {
		struct ptx_pending *next = pending->next;

		if (!label_bind(scopes, pending->label)) {
			if (scopes->depth == 1)
				ptx_escape(scopes->arena, CUDA_ERROR_INVALID_PTX, pending->line, "unknown name '%s'",
					   pending->label->name);
			pending->next = scopes->pending[scopes->depth - 1];
			scopes->pending[scopes->depth - 1] = pending;
		}
		pending = next;
	}
}

void ptx_scope_pop(struct ptx_scopes *scopes)
{
	labels_bind(scopes);
	for (struct ptx_symbol *symbol = scopes->symbols[scopes->depth]; symbol; symbol = symbol->next_in_scope) {
		struct ptx_symbol **bucket = &scopes->buckets[name_bucket(symbol->name, symbol->length)];

		while (*bucket != symbol)
			bucket = &(*bucket)->next_in_bucket;
		*bucket = symbol->next_in_bucket;
	}
	scopes->depth--;
}

struct ptx_symbol *ptx_scope_add(struct ptx_scopes *scopes, enum ptx_symbol_kind kind, const char *name)
{
	struct ptx_symbol *symbol = ptx_alloc(scopes->arena, sizeof(*symbol));
	size_t length = strlen(name);
	struct ptx_symbol **bucket = &scopes->buckets[name_bucket(name, length)];

	*symbol = (struct ptx_symbol){.kind = kind, .name = name, .length = length};
	symbol->next_in_bucket = *bucket;
	*bucket = symbol;
	symbol->next_in_scope = scopes->symbols[scopes->depth];
	scopes->symbols[scopes->depth] = symbol;
	return symbol;
}

struct ptx_symbol *ptx_scope_find(const struct ptx_scopes *scopes, const char *name, size_t length)
{
	struct ptx_symbol *symbol = scopes->buckets[name_bucket(name, length)];

	while (symbol && (symbol->length != length || memcmp(symbol->name, name, length)))
		symbol = symbol->next_in_bucket;
	return symbol;
}

const struct ptx_symbol *ptx_scope_register(const struct ptx_scopes *scopes, const char *name, size_t length,
					    uint32_t *reg)
{
	const struct ptx_symbol *symbol = ptx_scope_find(scopes, name, length);
	uint64_t number = 0;
	size_t stem = length;

	if (symbol && symbol->kind == PTX_SYMBOL_REGISTERS && !symbol->count) {
		*reg = symbol->reg;
		return symbol;
	}
	while (stem && name[stem - 1] >= '0' && name[stem - 1] <= '9')
		stem--;
	/* Ranges end where digits begin, so the shortest stem is the declared one. */
	symbol = length - stem > 9 ? NULL : ptx_scope_find(scopes, name, stem);
	if (!symbol || symbol->kind != PTX_SYMBOL_REGISTERS || stem == length)
		return NULL;
	for (size_t i = stem; i < length; i++)
		number = number * 10 + (name[i] - '0');
	*reg = symbol->reg + number * symbol->stride;
	return number < symbol->count ? symbol : NULL;
}

struct ptx_label *ptx_scope_label(struct ptx_scopes *scopes, const char *name, size_t length, int line)
{
	struct ptx_pending *pending = ptx_alloc(scopes->arena, sizeof(*pending));
	struct ptx_label *label = ptx_alloc(scopes->arena, sizeof(*label));

	label->name = ptx_copy(scopes->arena, name, length);
	*pending = (struct ptx_pending){label, line, scopes->pending[scopes->depth]};
	scopes->pending[scopes->depth] = pending;
	return label;
}
