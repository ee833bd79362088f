/* Textures and surfaces: fetches, gathers, accesses, questions. */
#include "../exec/texel.h"
#include "lower.h"

#define MOST_REGISTERS 24

static const struct geometry {
	const char *modifier;
	enum cpu_shape shape;
	bool layered;
	unsigned dimensions; /* coordinates */
} geometries[] = {
    {".1d", CPU_SHAPE_1D, false, 1},     {".2d", CPU_SHAPE_2D, false, 2}, {".3d", CPU_SHAPE_3D, false, 3},
    {".a1d", CPU_SHAPE_1D, true, 1},     {".a2d", CPU_SHAPE_2D, true, 2}, {".cube", CPU_SHAPE_CUBE, false, 3},
    {".acube", CPU_SHAPE_CUBE, true, 3},
};

static const struct geometry *geometry_find(struct ptx_lowering *lowering)
{
	for (size_t i = 0; i < sizeof(geometries) / sizeof(*geometries); i++)
		if (ptx_has(lowering, geometries[i].modifier))
			return &geometries[i];
	ptx_invalid(lowering, "this shape of texture is not supported");
}

/* The registers of an instruction, in the order in which the machine finds them. */
struct registers {
	struct ptx_lowering *lowering;
	uint32_t list[MOST_REGISTERS];
	uint32_t count;
};

static void registers_add(struct registers *registers, uint32_t reg)
{
	if (registers->count == MOST_REGISTERS)
		ptx_invalid(registers->lowering, "too many operands");
	registers->list[registers->count++] = reg;
}

/* One source of 32 bits. */
static void source_add(struct registers *registers, const struct ptx_operand *operand, const char *type)
{
	registers_add(registers, ptx_source(registers->lowering, operand, 'w', type, false));
}

/* The elements of a vector, of which there may be more than are used, or a single one alone. */
static const struct ptx_operand *elements(struct ptx_lowering *lowering, const struct ptx_operand *operand,
					  unsigned count)
{
	if (operand->kind != PTX_LIST && count == 1)
		return operand;
	if (operand->kind != PTX_LIST || operand->count < count)
		ptx_invalid(lowering, "a vector with more elements is needed");
	return operand->list;
}

static void vector_add(struct registers *registers, const struct ptx_operand *operand, unsigned count, const char *type)
{
	const struct ptx_operand *element = elements(registers->lowering, operand, count);

	for (unsigned i = 0; i < count; i++)
		source_add(registers, &element[i], type);
}

/* {a, b}, or {a, b}|p whose p tells whether all texels are in memory: they are. */
static unsigned results_add(struct registers *registers, const struct ptx_operand *operand, char class, unsigned count)
{
	struct ptx_lowering *lowering = registers->lowering;
	const struct ptx_operand *element = elements(lowering, operand, count);

	if (operand->kind == PTX_LIST && operand->count != count)
		ptx_invalid(lowering, "wrong number of results");
	for (unsigned i = 0; i < count; i++)
		registers_add(registers, ptx_destination(lowering, &element[i], class));
	return count;
}

static void residency_give(struct ptx_lowering *lowering, const struct ptx_operand *operand)
{
	uint32_t zero = ptx_constant(lowering, 0, false);

	if (operand->second)
		ptx_emit2(lowering, "setp.eq.u32", ptx_destination(lowering, operand->second, 'p'), zero, zero);
}

/* [texture, coordinates], [texture, sampler, coordinates]: the objects, and returns the coordinates. */
static const struct ptx_operand *objects_add(struct registers *registers, const struct ptx_operand *address,
					     bool *has_sampler)
{
	struct ptx_lowering *lowering = registers->lowering;
	size_t objects = address->count - 1;

	if (address->kind != PTX_ADDRESS || objects < 1 || objects > (has_sampler ? 2u : 1u))
		ptx_invalid(lowering, "bad operand");
	for (size_t i = 0; i < objects; i++)
		registers_add(registers, ptx_source(lowering, &address->list[i], 'l', "u64", false));
	if (has_sampler)
		*has_sampler = objects == 2;
	return &address->list[objects];
}

/* {layer, x, y, z} */
static void coordinates_add(struct registers *registers, const struct ptx_operand *coordinates, bool layered,
			    unsigned dimensions, const char *type)
{
	const struct ptx_operand *element = elements(registers->lowering, coordinates, dimensions + layered);

	if (layered)
		source_add(registers, element++, "u32");
	for (unsigned i = 0; i < dimensions; i++)
		source_add(registers, &element[i], type);
}

/* Puts the registers where the machine finds them; the first `written` are results. */
static uint32_t *registers_give(const struct registers *registers, struct ptx_ir *ir, uint32_t written)
{
	uint32_t *list = ptx_alloc(registers->lowering->keep, registers->count * sizeof(*list));

	memcpy(list, registers->list, registers->count * sizeof(*list));
	ir->list = list;
	ir->list_count = registers->count;
	ir->list_written = written;
	return list;
}

/* ---- tex, tld4 ---- */

static enum cpu_fetch_kind fetch_kind(const struct ptx_lowering *lowering)
{
	if (ptx_is_opcode(lowering, "tld4"))
		return CPU_FETCH_GATHER;
	return ptx_has(lowering, ".level")  ? CPU_FETCH_LEVEL
	       : ptx_has(lowering, ".grad") ? CPU_FETCH_GRADIENTS
					    : CPU_FETCH;
}

static void result_choose(struct ptx_lowering *lowering, struct cpu_fetch *fetch)
{
	const char *type = ptx_type(lowering, 1);

	if (!strcmp(type, "f16x2")) {
		fetch->result = CPU_FETCH_F16X2;
	} else if (!strcmp(type, "f16")) {
		fetch->result = CPU_FETCH_F16;
	} else if (strcmp(type, "f32") && strcmp(type, "s32") && strcmp(type, "u32") && strcmp(type, "b32")) {
		ptx_invalid(lowering, "result type not supported");
	}
	fetch->results = fetch->result == CPU_FETCH_F16X2 ? 2 : 4;
}

static void channel_choose(struct ptx_lowering *lowering, struct cpu_fetch *fetch)
{
	static const char *const channels[4] = {".r", ".g", ".b", ".a"};

	while (fetch->channel < 4 && !ptx_has(lowering, channels[fetch->channel]))
		fetch->channel++;
	if (fetch->channel == 4 || fetch->shape == CPU_SHAPE_1D || fetch->shape == CPU_SHAPE_3D)
		ptx_invalid(lowering, "unknown gather");
}

/* What may stand behind the coordinates: a level, gradients, offsets, a depth to compare with. */
static void extras_add(struct registers *registers, struct cpu_fetch *fetch, const char *type)
{
	struct ptx_lowering *lowering = registers->lowering;
	size_t at = 2;

	if (fetch->kind == CPU_FETCH_LEVEL)
		source_add(registers, ptx_operand(lowering, at++), type);
	if (fetch->kind == CPU_FETCH_GRADIENTS) {
		vector_add(registers, ptx_operand(lowering, at++), fetch->dimensions, "f32");
		vector_add(registers, ptx_operand(lowering, at++), fetch->dimensions, "f32");
	}
	fetch->has_offsets = at < lowering->at->count && fetch->shape != CPU_SHAPE_CUBE &&
			     (lowering->at->operands[at].kind == PTX_LIST || fetch->dimensions == 1);
	if (fetch->has_offsets)
		vector_add(registers, ptx_operand(lowering, at++), fetch->dimensions, "s32");
	if (at != lowering->at->count)
		ptx_invalid(lowering, "depth comparison is not supported");
}

static void lower_fetch(struct ptx_lowering *lowering)
{
	const struct geometry *geometry = geometry_find(lowering);
	struct cpu_fetch *fetch = ptx_alloc(lowering->keep, sizeof(*fetch));
	struct registers registers = {.lowering = lowering};
	const char *type = ptx_type(lowering, 0);
	const struct ptx_operand *coordinates;
	struct ptx_ir *ir;

	fetch->kind = fetch_kind(lowering);
	fetch->shape = geometry->shape;
	fetch->layered = geometry->layered;
	fetch->dimensions = geometry->dimensions;
	fetch->is_integer = !strcmp(type, "s32");
	if ((!fetch->is_integer && strcmp(type, "f32")) || (fetch->is_integer && fetch->shape == CPU_SHAPE_CUBE))
		ptx_invalid(lowering, "coordinates of this type are not supported");
	result_choose(lowering, fetch);
	if (fetch->kind == CPU_FETCH_GATHER)
		channel_choose(lowering, fetch);
	results_add(&registers, ptx_operand(lowering, 0), 'w', fetch->results);
	coordinates = objects_add(&registers, ptx_operand(lowering, 1), &fetch->has_sampler);
	coordinates_add(&registers, coordinates, fetch->layered, fetch->dimensions, type);
	extras_add(&registers, fetch, type);
	ir = ptx_emit(lowering, "tex@");
	fetch->list = registers_give(&registers, ir, fetch->results);
	ir->more = fetch;
	ir->aux = lowering->program->spans++;
	residency_give(lowering, ptx_operand(lowering, 0));
}

/* ---- suld, sust, sured ---- */

static enum cpu_surface_bounds bounds_choose(const struct ptx_lowering *lowering)
{
	return ptx_has(lowering, ".clamp")  ? CPU_BOUNDS_CLAMP
	       : ptx_has(lowering, ".zero") ? CPU_BOUNDS_ZERO
					    : CPU_BOUNDS_TRAP;
}

static enum cpu_surface_reduction reduction_choose(struct ptx_lowering *lowering)
{
	static const char *const names[] = {".add", ".min", ".max", ".and", ".or"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (ptx_has(lowering, names[i]))
			return (enum cpu_surface_reduction)i;
	ptx_invalid(lowering, "unknown reduction");
}

static unsigned bytes_of(const char *type)
{
	const char *digits = type + strcspn(type, "0123456789");

	return *digits == '8' ? 1 : *digits == '1' ? 2 : *digits == '3' ? 4 : 8;
}

static struct cpu_surface_access *access_make(struct ptx_lowering *lowering, enum cpu_surface_kind kind)
{
	struct cpu_surface_access *access = ptx_alloc(lowering->keep, sizeof(*access));
	const struct geometry *geometry = geometry_find(lowering);
	const char *type = ptx_type(lowering, 0);

	if (geometry->shape == CPU_SHAPE_CUBE)
		ptx_invalid(lowering, "surfaces of cubes are accessed as layers");
	access->kind = kind;
	access->bounds = bounds_choose(lowering);
	access->layered = geometry->layered;
	access->dimensions = geometry->dimensions;
	access->in_texels = ptx_has(lowering, ".p");
	access->is_signed = type[0] == 's';
	access->values = ptx_has(lowering, ".v4") ? 4 : ptx_has(lowering, ".v2") ? 2 : 1;
	access->bytes = bytes_of(type);
	return access;
}

static struct ptx_ir *access_emit(struct registers *registers, struct cpu_surface_access *access, uint32_t written)
{
	struct ptx_ir *ir = ptx_emit(registers->lowering, "surface@");

	access->list = registers_give(registers, ir, written);
	ir->more = access;
	ir->aux = registers->lowering->program->spans++;
	return ir;
}

/* suld.b.2d.v4.b32.trap {a, b, c, d}, [surface, {x, y}] */
static void lower_surface_load(struct ptx_lowering *lowering)
{
	struct cpu_surface_access *access = access_make(lowering, CPU_SURFACE_LOAD);
	struct registers registers = {.lowering = lowering};
	const struct ptx_operand *coordinates;

	if (access->in_texels)
		ptx_invalid(lowering, "formatted loads are not supported");
	results_add(&registers, ptx_operand(lowering, 0), access->bytes == 8 ? 'l' : 'w', access->values);
	coordinates = objects_add(&registers, ptx_operand(lowering, 1), NULL);
	coordinates_add(&registers, coordinates, access->layered, access->dimensions, "s32");
	access_emit(&registers, access, access->values);
}

/* sust.b.2d.v4.b32.trap [surface, {x, y}], {a, b, c, d}; sured has one value. The values come first in the list, but
   are sources. */
static void lower_surface_store(struct ptx_lowering *lowering, enum cpu_surface_kind kind)
{
	struct cpu_surface_access *access = access_make(lowering, kind);
	struct registers registers = {.lowering = lowering};
	const char *type = ptx_type(lowering, 0);
	const struct ptx_operand *values, *coordinates;

	if (kind == CPU_SURFACE_REDUCE)
		access->reduction = reduction_choose(lowering);
	else if (access->in_texels)
		access->kind = CPU_SURFACE_STORE_FORMATTED;
	if ((access->in_texels || kind == CPU_SURFACE_REDUCE) && access->bytes < 4)
		ptx_invalid(lowering, "values of this type are not supported");
	values = elements(lowering, ptx_operand(lowering, 1), access->values);
	for (unsigned i = 0; i < access->values; i++)
		registers_add(&registers, ptx_source(lowering, &values[i], access->bytes == 8 ? 'l' : 'w', type, true));
	coordinates = objects_add(&registers, ptx_operand(lowering, 0), NULL);
	coordinates_add(&registers, coordinates, access->layered, access->dimensions, "s32");
	access_emit(&registers, access, 0);
}

/* ---- txq, suq, istypep ---- */

static const struct {
	const char *modifier;
	enum cpu_texture_query query;
} queries[] = {
    {".width", CPU_QUERY_WIDTH},
    {".height", CPU_QUERY_HEIGHT},
    {".depth", CPU_QUERY_DEPTH},
    {".channel_data_type", CPU_QUERY_CHANNEL_DATA_TYPE},
    {".channel_order", CPU_QUERY_CHANNEL_ORDER},
    {".normalized_coords", CPU_QUERY_NORMALIZED_COORDS},
    {".force_unnormalized_coords", CPU_QUERY_FORCE_UNNORMALIZED_COORDS},
    {".filter_mode", CPU_QUERY_FILTER_MODE},
    {".addr_mode_0", CPU_QUERY_ADDR_MODE_0},
    {".addr_mode_1", CPU_QUERY_ADDR_MODE_1},
    {".addr_mode_2", CPU_QUERY_ADDR_MODE_2},
    {".array_size", CPU_QUERY_ARRAY_SIZE},
    {".num_mipmap_levels", CPU_QUERY_MIPMAP_LEVELS},
    {".num_samples", CPU_QUERY_SAMPLES},
    {".memory_layout", CPU_QUERY_MEMORY_LAYOUT},
};

static void lower_query(struct ptx_lowering *lowering, bool surface)
{
	const struct ptx_operand *address = ptx_operand(lowering, 1);
	uint32_t d = ptx_destination(lowering, ptx_operand(lowering, 0), 'w'), handle, level;
	struct ptx_ir *ir;
	size_t i = 0;

	while (i < sizeof(queries) / sizeof(*queries) && !ptx_has(lowering, queries[i].modifier))
		i++;
	if (i == sizeof(queries) / sizeof(*queries) || address->kind != PTX_ADDRESS || address->count != 1)
		ptx_invalid(lowering, "unknown question");
	handle = ptx_source(lowering, &address->list[0], 'l', "u64", false);
	level = ptx_has(lowering, ".level") ? ptx_source(lowering, ptx_operand(lowering, 2), 'w', "u32", false)
					    : ptx_constant(lowering, 0, false);
	ir = ptx_emit2(lowering, "texture@query", d, handle, level);
	ir->imm = queries[i].query;
	ir->aux = surface;
}

static void lower_reference_test(struct ptx_lowering *lowering)
{
	uint32_t p = ptx_destination(lowering, ptx_operand(lowering, 0), 'p');
	uint32_t handle = ptx_source(lowering, ptx_operand(lowering, 1), 'l', "u64", false);

	ptx_emit2(lowering, "reference@test", p, handle, PTX_NO_REG)->imm =
	    ptx_has(lowering, ".texref")       ? CPU_TEXTURE_REFERENCE
	    : ptx_has(lowering, ".samplerref") ? CPU_SAMPLER_REFERENCE
					       : CPU_SURFACE_REFERENCE;
}

bool ptx_lower_texture(struct ptx_lowering *lowering)
{
	if (ptx_is_opcode(lowering, "tex") || ptx_is_opcode(lowering, "tld4"))
		lower_fetch(lowering);
	else if (ptx_is_opcode(lowering, "suld"))
		lower_surface_load(lowering);
	else if (ptx_is_opcode(lowering, "sust"))
		lower_surface_store(lowering, CPU_SURFACE_STORE);
	else if (ptx_is_opcode(lowering, "sured"))
		lower_surface_store(lowering, CPU_SURFACE_REDUCE);
	else if (ptx_is_opcode(lowering, "txq") || ptx_is_opcode(lowering, "suq"))
		lower_query(lowering, ptx_is_opcode(lowering, "suq"));
	else if (ptx_is_opcode(lowering, "istypep"))
		lower_reference_test(lowering);
	else
		return false;
	return true;
}
