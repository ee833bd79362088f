/* Loading device code: `load ID FUNCTIONS` loads a module whose text depends on ID, with so many kernels, launches one
 * of them and waits for it: seconds until it is loaded, until the launch is done, and to unload it.
 */
#include "driver.h"

#define KERNEL_TEXT_MAX 512

/* The PTX, to be freed. No two ids have the same text. */
static char *make_text(long id, long functions)
{
	size_t room = (size_t)(functions + 1) * KERNEL_TEXT_MAX, used;
	char *text = command_memory(room);
	used = (size_t)snprintf(text, room, ".version 7.0\n.target sm_75\n.address_size 64\n");
	for (long i = 0; i < functions; i++)
		used += (size_t)snprintf(text + used, room - used,
					 ".visible .entry kernel_%ld(.param .u64 to)\n"
					 "{\n"
					 "	.reg .b32 %%r<3>;\n"
					 "	.reg .b64 %%rd<3>;\n"
					 "	ld.param.u64 %%rd1, [to];\n"
					 "	cvta.to.global.u64 %%rd2, %%rd1;\n"
					 "	mov.u32 %%r1, %ld;\n"
					 "	add.u32 %%r2, %%r1, %ld;\n"
					 "	st.global.u32 [%%rd2], %%r2;\n"
					 "	ret;\n"
					 "}\n",
					 i, id, i);
	return text;
}

/* Does the kernel give the number that this text makes it give? */
static void run_kernel(CUmodule module, unsigned int expected)
{
	CUfunction function;
	CUdeviceptr memory;
	unsigned int value = ~expected;
	void *parameters[] = {&memory};

	REQUIRE(cuModuleGetFunction(&function, module, "kernel_0"));
	REQUIRE(cuMemAlloc(&memory, sizeof(value)));
	REQUIRE(cuLaunchKernel(function, 1, 1, 1, 1, 1, 1, 0, NULL, parameters, NULL));
	REQUIRE(cuMemcpyDtoH(&value, memory, sizeof(value)));
	REQUIRE(cuMemFree(memory));
	if (value != expected)
		command_fail("kernel_0", "wrong result");
}

static void measure_load(const long *arguments, double *results)
{
	char *text = make_text(arguments[0], arguments[1]);
	CUmodule module;
	double start = command_seconds();

	REQUIRE(cuModuleLoadData(&module, text));
	results[0] = command_seconds() - start;
	run_kernel(module, (unsigned int)arguments[0]);
	results[1] = command_seconds() - start;
	start = command_seconds();
	REQUIRE(cuModuleUnload(module));
	REQUIRE(cuCtxSynchronize());
	results[2] = command_seconds() - start;
	free(text);
}

int main(void)
{
	static const struct command table[] = {{"load", measure_load}};

	driver_open();
	return command_loop(table, sizeof(table) / sizeof(*table));
}
