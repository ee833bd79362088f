/* CUDA programs for the fault tests, on the driver API; which one is the first argument. Each prints "ready" when it is
   under way and then one line that begins with "error" or "fine". */
#include <cuda.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { COUNT = 1 << 16 };

static const char kernels[] = ".version 7.0\n.target sm_75\n.address_size 64\n"
			      ".visible .entry fill(.param .u64 to, .param .u32 value)\n{\n"
			      ".reg .b32 %r<6>;\n.reg .b64 %rd<5>;\n"
			      "ld.param.u64 %rd1, [to];\nld.param.u32 %r1, [value];\n"
			      "mov.u32 %r2, %ctaid.x;\nmov.u32 %r3, %ntid.x;\nmov.u32 %r4, %tid.x;\n"
			      "mad.lo.s32 %r5, %r2, %r3, %r4;\n"
			      "mul.wide.u32 %rd2, %r5, 4;\nadd.s64 %rd3, %rd1, %rd2;\n"
			      "add.s32 %r1, %r1, %r5;\nst.global.u32 [%rd3], %r1;\nret;\n}\n";

static void finish(const char *call, CUresult err)
{
	const char *name = "?";
	cuGetErrorName(err, &name);
	printf("error %d %s in %s\n", err, name, call);
	exit(3);
}

#define CHECK(call)                                                                                                    \
	do {                                                                                                           \
		CUresult err = (call);                                                                                 \
		if (err)                                                                                               \
			finish(#call, err);                                                                            \
	} while (0)

static void begin(void)
{
	CUdevice device;
	CUcontext context;
	setvbuf(stdout, NULL, _IOLBF, 0);
	CHECK(cuInit(0));
	CHECK(cuDeviceGet(&device, 0));
	CHECK(cuDevicePrimaryCtxRetain(&context, device));
	CHECK(cuCtxSetCurrent(context));
}

/* Copies to and fro until a call fails; the data must be right while none does. */
static void copy_for_ever(void)
{
	static unsigned char there[COUNT], back[COUNT];
	CUdeviceptr memory;
	begin();
	CHECK(cuMemAlloc(&memory, COUNT));
	for (unsigned long round = 0;; round++) {
		memset(there, (int)(round & 0xff), COUNT);
		CHECK(cuMemcpyHtoD(memory, there, COUNT));
		CHECK(cuMemcpyDtoH(back, memory, COUNT));
		if (memcmp(there, back, COUNT) != 0)
			finish("a comparison", CUDA_ERROR_UNKNOWN);
		if (round == 0)
			puts("ready");
	}
}

static CUfunction load_fill(void)
{
	CUmodule module;
	CUfunction fill;
	CHECK(cuModuleLoadData(&module, kernels));
	CHECK(cuModuleGetFunction(&fill, module, "fill"));
	return fill;
}

static void launch_fill(CUfunction fill, CUdeviceptr to, unsigned value)
{
	void *parameters[] = {&to, &value};
	CHECK(cuLaunchKernel(fill, COUNT / 256, 1, 1, 256, 1, 1, 0, NULL, parameters, NULL));
}

/* Writes where no memory is. */
static void fault(void)
{
	begin();
	CUfunction fill = load_fill();
	puts("ready");
	launch_fill(fill, 64, 1);
	CHECK(cuCtxSynchronize());
	puts("fine");
}

/* Launches and checks until its standard input ends. */
static void compute(void)
{
	static unsigned back[COUNT];
	CUdeviceptr memory;
	begin();
	CUfunction fill = load_fill();
	CHECK(cuMemAlloc(&memory, sizeof(back)));
	puts("ready");
	char byte;
	unsigned round = 0;
	do {
		launch_fill(fill, memory, round);
		CHECK(cuMemcpyDtoH(back, memory, sizeof(back)));
		for (unsigned i = 0; i < COUNT; i++) {
			if (back[i] != round + i)
				finish("a comparison", CUDA_ERROR_UNKNOWN);
		}
		round++;
	} while (read(STDIN_FILENO, &byte, 1) == 1);
	puts("fine");
}

static void never_return(void *unused)
{
	(void)unused;
	puts("ready");
	for (;;)
		pause();
}

/* Waits for a stream that waits for a function of this process. */
static void host_function(void)
{
	CUstream stream;
	begin();
	CHECK(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
	CHECK(cuLaunchHostFunc(stream, never_return, NULL));
	CHECK(cuStreamSynchronize(stream));
	puts("fine");
}

/* A child has no CUDA; what its parent has done, and has written at its end, is its parent's affair. */
static void forked(void)
{
	int status = -1;
	begin();
	fflush(stdout);
	pid_t child = fork();
	if (child == 0)
		exit(cuCtxSynchronize() == CUDA_ERROR_NOT_INITIALIZED ? 0 : 1);
	if (child < 0 || waitpid(child, &status, 0) != child || status)
		finish("a forked child", CUDA_ERROR_UNKNOWN);
	CHECK(cuCtxSynchronize());
	puts("fine");
}

int main(int argc, char **argv)
{
	const char *which = argc == 2 ? argv[1] : "";
	if (!strcmp(which, "copy"))
		copy_for_ever();
	else if (!strcmp(which, "fault"))
		fault();
	else if (!strcmp(which, "compute"))
		compute();
	else if (!strcmp(which, "host"))
		host_function();
	else if (!strcmp(which, "forked"))
		forked();
	else
		return 2;
	return 0;
}
