/* Initial values of .texref, .samplerref and .surfref variables: { addr_mode_0 = clamp_to_border, … }. */
#include "../exec/texel.h"
#include "parse.h"

static const struct {
	const char *word;
	CUaddress_mode mode;
} modes[] = {{"wrap", CU_TR_ADDRESS_MODE_WRAP},
	     {"mirror", CU_TR_ADDRESS_MODE_MIRROR},
	     {"clamp_ogl", CU_TR_ADDRESS_MODE_CLAMP},
	     {"clamp_to_edge", CU_TR_ADDRESS_MODE_CLAMP},
	     {"clamp_to_border", CU_TR_ADDRESS_MODE_BORDER}};

static CUaddress_mode take_mode(struct ptx_parser *parser)
{
	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++)
		if (ptx_accept_word(parser, modes[i].word))
			return modes[i].mode;
	ptx_unexpected(parser, "an address mode");
}

/* One setting; those that a sampler does not have are read over. */
static void take_setting(struct ptx_parser *parser, uint64_t *sampler)
{
	struct ptx_token name = ptx_take(parser);
	bool is_mode = name.length == strlen("addr_mode_0") && !memcmp(name.text, "addr_mode_", strlen("addr_mode_"));

	ptx_expect(parser, '=');
	if (is_mode) {
		unsigned dimension = (unsigned char)name.text[name.length - 1] - '0';

		if (dimension > 2)
			ptx_unexpected(parser, "addr_mode_0, 1 or 2");
		*sampler &= ~CPU_SAMPLER_MODE(dimension, 3);
		*sampler |= CPU_SAMPLER_MODE(dimension, take_mode(parser));
	} else if (ptx_is_word(&name, "filter_mode")) {
		if (ptx_accept_word(parser, "linear"))
			*sampler |= CPU_SAMPLER_LINEAR;
		else if (!ptx_accept_word(parser, "nearest"))
			ptx_unexpected(parser, "nearest or linear");
	} else if (ptx_is_word(&name, "force_unnormalized_coords")) {
		*sampler |= ptx_take_integer(parser) ? CPU_SAMPLER_UNNORMALIZED : 0;
	} else {
		ptx_take(parser);
	}
}

void ptx_parse_reference(struct ptx_parser *parser, struct ptx_variable *variable)
{
	uint64_t sampler = CPU_SAMPLER_TAG;

	for (unsigned i = 0; i < 3; i++)
		sampler |= CPU_SAMPLER_MODE(i, CU_TR_ADDRESS_MODE_CLAMP);
	if (ptx_accept(parser, '=')) {
		ptx_expect(parser, '{');
		while (!ptx_accept(parser, '}')) {
			take_setting(parser, &sampler);
			if (!ptx_accept(parser, ',') && !ptx_is(&parser->token, '}'))
				ptx_unexpected(parser, "',' or '}'");
		}
	}
	if (variable->reference != PTX_SAMPLER_REFERENCE)
		return;
	variable->initial = ptx_alloc(parser->arena, variable->size);
	memcpy(variable->initial, &sampler, sizeof(sampler));
}
