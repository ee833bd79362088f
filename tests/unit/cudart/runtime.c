#include "runtime.h"

#include <dlfcn.h>
#include <stdlib.h>

char host_kernel, host_other_kernel, host_absent_kernel, host_variable, host_absent_variable;
void *host_managed;
char fatbin_wrapper;
static char managed_wrapper;

void *fake_symbol(const char *name)
{
	void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
	void *symbol = library ? dlsym(library, name) : NULL;

	if (!symbol)
		ck_abort_msg("libcuda.so.1 is not the fake driver: set LD_LIBRARY_PATH to its folder");
	return symbol;
}

const struct fake *fake(void)
{
	return fake_symbol("fake_control");
}

static void register_kernel(void **handle, const char *host, const char *name)
{
	__cudaRegisterFunction(handle, host, (char *)host, name, -1, NULL, NULL, NULL, NULL, NULL);
}

void **program_register(void)
{
	void **handle = __cudaRegisterFatBinary(&fatbin_wrapper);

	register_kernel(handle, &host_kernel, "kernel");
	register_kernel(handle, &host_other_kernel, "other");
	register_kernel(handle, &host_absent_kernel, "absent");
	__cudaRegisterVar(handle, &host_variable, &host_variable, "variable", 0, 64, 0, 0);
	__cudaRegisterVar(handle, &host_absent_variable, &host_absent_variable, "absent", 0, 4, 0, 0);
	__cudaRegisterFatBinaryEnd(handle);
	return handle;
}

void **program_register_managed(void)
{
	void **handle = __cudaRegisterFatBinary(&managed_wrapper);

	__cudaRegisterManagedVar(handle, &host_managed, NULL, "managed", 0, 64, 0, 0);
	__cudaRegisterFatBinaryEnd(handle);
	return handle;
}

int main(void)
{
	SRunner *runner = srunner_create(suite_launch());
	int failed;

	srunner_add_suite(runner, suite_state());
	srunner_add_suite(runner, suite_device());
	srunner_add_suite(runner, suite_memory());
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
