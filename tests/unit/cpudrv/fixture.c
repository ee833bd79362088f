#include "fixture.h"

#include <stdlib.h>

#include "suite.h"

CUcontext context;
CUmodule module;

void setup_init(void)
{
	OK(cuInit(0));
}

void setup_context(void)
{
	setup_init();
	OK(cuDevicePrimaryCtxRetain(&context, 0));
	OK(cuCtxSetCurrent(context));
}

void setup_module(void)
{
	setup_context();
	OK(cuModuleLoadData(&module, FAKE_MODULE));
}

CUfunction kernel(const char *name)
{
	CUfunction function;
	OK(cuModuleGetFunction(&function, module, name));
	return function;
}

void launch_gate(struct gate *gate, CUstream stream)
{
	OK(cuLaunchKernel(kernel("gate"), 1, 1, 1, 1, 1, 1, 0, stream, (void *[]){&gate}, NULL));
}

void launch_note(struct notes *notes, int value, CUstream stream)
{
	OK(cuLaunchKernel(kernel("note"), 1, 1, 1, 1, 1, 1, 0, stream, (void *[]){&notes, &value}, NULL));
}

void launch_plain(const char *name, CUstream stream)
{
	OK(cuLaunchKernel(kernel(name), 1, 1, 1, 1, 1, 1, 0, stream, NULL, NULL));
}

void gate_init(struct gate *gate)
{
	sem_init(&gate->began, 0, 0);
	sem_init(&gate->open, 0, 0);
}

void gate_wait_began(struct gate *gate)
{
	while (sem_wait(&gate->began) != 0)
		continue;
}

void gate_open(struct gate *gate)
{
	sem_post(&gate->open);
}

void *per_thread(const char *name)
{
	void *function;
	OK(cuGetProcAddress(name, &function, 13000, CU_GET_PROC_ADDRESS_PER_THREAD_DEFAULT_STREAM, NULL));
	ck_assert_ptr_nonnull(function);
	return function;
}

int run_tests(const char *name, void (*setup)(void), const TTest *const *tests, size_t count)
{
	Suite *suite = suite_create(name);
	TCase *tcase = tcase_create(name);
	if (setup)
		tcase_add_checked_fixture(tcase, setup, NULL);
	for (size_t i = 0; i < count; i++)
		tcase_add_test(tcase, tests[i]);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
