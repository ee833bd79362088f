#include "session.h"

#include <stddef.h>

enum { COUNT = 10000, LAUNCHES = 5 };

static const char kernels[] = ".version 7.0\n.target sm_75\n.address_size 64\n"
			      ".visible .entry fill(.param .u64 to, .param .u32 value)\n{\n"
			      ".reg .b32 %r<6>;\n.reg .b64 %rd<5>;\n"
			      "ld.param.u64 %rd1, [to];\nld.param.u32 %r1, [value];\n"
			      "mov.u32 %r2, %ctaid.x;\nmov.u32 %r3, %ntid.x;\nmov.u32 %r4, %tid.x;\n"
			      "mad.lo.s32 %r5, %r2, %r3, %r4;\n"
			      "mul.wide.u32 %rd2, %r5, 4;\nadd.s64 %rd3, %rd1, %rd2;\n"
			      "add.s32 %r1, %r1, %r5;\nst.global.u32 [%rd3], %r1;\nret;\n}\n";

static CUresult first, latest;

static int passed(CUresult err)
{
	latest = err;
	if (err && !first)
		first = err;
	return !err;
}

static void check(int right)
{
	if (!right)
		passed(CUDA_ERROR_UNKNOWN);
}

static void launch(CUfunction fill, CUdeviceptr memory)
{
	for (unsigned value = 1; value <= LAUNCHES; value++) {
		void *arguments[] = {&memory, &value};
		passed(cuLaunchKernel(fill, COUNT / 100, 1, 1, 100, 1, 1, 0, NULL, arguments, NULL));
	}
}

CUresult session_run(CUresult *last)
{
	static unsigned there[COUNT], back[COUNT];
	CUdevice device = 0;
	CUcontext context = NULL;
	CUdeviceptr memory = 0;
	CUmodule module = NULL;
	CUfunction fill = NULL;
	CUevent event = NULL;
	passed(cuInit(0));
	passed(cuDeviceGet(&device, 0));
	passed(cuDevicePrimaryCtxRetain(&context, device));
	passed(cuCtxSetCurrent(context));
	passed(cuMemAlloc(&memory, sizeof(there)));
	for (unsigned i = 0; i < COUNT; i++)
		there[i] = i * 3;
	passed(cuMemcpyHtoD(memory, there, sizeof(there)));
	if (passed(cuMemcpyDtoH(back, memory, sizeof(back))))
		for (unsigned i = 0; i < COUNT; i++)
			check(back[i] == i * 3);
	passed(cuModuleLoadData(&module, kernels));
	passed(cuModuleGetFunction(&fill, module, "fill"));
	launch(fill, memory);
	passed(cuEventCreate(&event, CU_EVENT_DEFAULT));
	passed(cuEventRecord(event, NULL));
	passed(cuEventSynchronize(event));
	if (passed(cuMemcpyDtoH(back, memory, 100 * sizeof(*back))))
		for (unsigned i = 0; i < 100; i++)
			check(back[i] == LAUNCHES + i);
	passed(cuEventDestroy(event));
	passed(cuModuleUnload(module));
	passed(cuMemFree(memory));
	passed(cuCtxSynchronize());
	*last = latest;
	return first;
}
