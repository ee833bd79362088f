/* A plain ONC RPC client: libtirpc and what rpcgen makes of the .x files, nothing of Cricket's but the protocol's hash.
 * It adds two vectors on the server, one blocking call at a time.
 *
 *     stock_client PORT     on 127.0.0.1
 */
#include <arpa/inet.h>
#include <rpc/rpc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol_hash.h"
#include "rpc_control.h"
#include "rpc_cuda.h"

enum { COUNT = 1000 };

static const char ptx[] = ".version 7.0\n.target sm_75\n.address_size 64\n"
			  ".visible .entry add(.param .u64 a, .param .u64 b, .param .u32 n)\n"
			  "{\n"
			  "	.reg .pred %p<2>;\n"
			  "	.reg .b32 %r<8>;\n"
			  "	.reg .b64 %rd<8>;\n"
			  "	ld.param.u64 %rd1, [a];\n"
			  "	ld.param.u64 %rd2, [b];\n"
			  "	ld.param.u32 %r1, [n];\n"
			  "	mov.u32 %r2, %ctaid.x;\n"
			  "	mov.u32 %r3, %ntid.x;\n"
			  "	mov.u32 %r4, %tid.x;\n"
			  "	mad.lo.s32 %r5, %r2, %r3, %r4;\n"
			  "	setp.ge.u32 %p1, %r5, %r1;\n"
			  "	@%p1 bra done;\n"
			  "	cvta.to.global.u64 %rd3, %rd1;\n"
			  "	cvta.to.global.u64 %rd4, %rd2;\n"
			  "	mul.wide.u32 %rd5, %r5, 4;\n"
			  "	add.s64 %rd6, %rd3, %rd5;\n"
			  "	add.s64 %rd7, %rd4, %rd5;\n"
			  "	ld.global.u32 %r6, [%rd6];\n"
			  "	ld.global.u32 %r7, [%rd7];\n"
			  "	add.u32 %r6, %r6, %r7;\n"
			  "	st.global.u32 [%rd6], %r6;\n"
			  "done:\n"
			  "	ret;\n"
			  "}\n";

/* Ends the program unless the call `what` succeeded. */
static void require(CLIENT *client, const char *what, const void *result, int err)
{
	if (!result)
		clnt_perror(client, what);
	else if (err)
		fprintf(stderr, "%s: CUDA error %d\n", what, err);
	if (!result || err)
		exit(EXIT_FAILURE);
}
#define REQUIRE_INT(client, call)                                                                                      \
	do {                                                                                                           \
		int *result = call;                                                                                    \
		require(client, #call, result, result ? *result : 0);                                                  \
	} while (0)

/* Both programs are spoken over one connection: the session is the connection. */
static CLIENT *control, *cuda;

static void connect_to(const char *port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address))) {
		perror("connect");
		exit(EXIT_FAILURE);
	}
	struct netbuf server = {sizeof(address), sizeof(address), &address};
	control = clnt_vc_create(fd, &server, CRICKET_CONTROL, CRICKET_CONTROL_V1, 0, 0);
	cuda = clnt_vc_create(fd, &server, CRICKET_CUDA, CRICKET_CUDA_V1, 0, 0);
	if (!control || !cuda) {
		clnt_pcreateerror("clnt_vc_create");
		exit(EXIT_FAILURE);
	}
}

static void say_hello(void)
{
	hello_args args = {.protocol = CRICKET_PROTOCOL_VERSION, .client = "stock client"};
	memcpy(args.hash, cricket_protocol_hash, sizeof(args.hash));
	hello_res *answer = control_hello_1(args, control);
	require(control, "hello", answer, 0);
	if (answer->status != HELLO_OK) {
		fprintf(stderr, "hello: refused: %s\n", answer->hello_res_u.refusal.message);
		exit(EXIT_FAILURE);
	}
	printf("server %s, driver %s\n", answer->hello_res_u.welcome.server, answer->hello_res_u.welcome.driver);
}

static u64 make_context(void)
{
	u64_res *context = rpc_cudeviceprimaryctxretain_1(0, cuda);
	require(cuda, "retain", context, context ? context->err : 0);
	u64 id = context->u64_res_u.value;
	REQUIRE_INT(cuda, rpc_cuctxsetcurrent_1(id, cuda));
	return id;
}

static u64 load_kernel(void)
{
	upload_args upload = {.id = 1, .total = sizeof(ptx), .data = {sizeof(ptx), (char *)(uintptr_t)ptx}};
	REQUIRE_INT(control, control_upload_1(upload, control));
	load_args args = {.image = 1};
	load_res *loaded = rpc_cumoduleloaddataex_1(args, cuda);
	require(cuda, "load", loaded, loaded ? loaded->err : 0);
	if (loaded->load_res_u.value.functions.functions_len != 1) {
		fprintf(stderr, "load: %u functions, not 1\n", loaded->load_res_u.value.functions.functions_len);
		exit(EXIT_FAILURE);
	}
	function_info *function = loaded->load_res_u.value.functions.functions_val;
	printf("kernel %s with %u parameters\n", function->symbol, function->parameters.parameters_len);
	return function->function;
}

static u64 allocate(const uint32_t *data)
{
	u64_res *memory = rpc_cumemalloc_v2_1(COUNT * 4, cuda);
	require(cuda, "alloc", memory, memory ? memory->err : 0);
	u64 address = memory->u64_res_u.value;
	blob bytes = {COUNT * 4, (char *)(uintptr_t)data};
	REQUIRE_INT(cuda, rpc_cumemcpyhtod_v2_1(address, bytes, cuda));
	return address;
}

static void launch(u64 function, u64 a, u64 b)
{
	struct {
		u64 a, b;
		uint32_t n;
	} parameters = {a, b, COUNT};
	launch_args args = {.function = function, .grid = {(COUNT + 127) / 128, 1, 1}, .block = {128, 1, 1}};
	args.parameters.kernel_arguments_len = 20;
	args.parameters.kernel_arguments_val = (char *)&parameters;
	REQUIRE_INT(cuda, rpc_culaunchkernel_1(args, cuda));
}

static int compare(u64 address)
{
	blob_res *bytes = rpc_cumemcpydtoh_v2_1(address, COUNT * 4, cuda);
	require(cuda, "copy back", bytes, bytes ? bytes->err : 0);
	if (bytes->blob_res_u.value.blob_len != COUNT * 4)
		return EXIT_FAILURE;
	for (uint32_t i = 0; i < COUNT; i++) {
		uint32_t value;
		memcpy(&value, bytes->blob_res_u.value.blob_val + 4 * i, 4);
		if (value != 3 * i) {
			fprintf(stderr, "element %u is %u, not %u\n", i, value, 3 * i);
			return EXIT_FAILURE;
		}
	}
	printf("%d elements as expected\n", COUNT);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	uint32_t once[COUNT], twice[COUNT];
	if (argc != 2) {
		fprintf(stderr, "usage: stock_client PORT\n");
		return 2;
	}
	for (uint32_t i = 0; i < COUNT; i++) {
		once[i] = i;
		twice[i] = 2 * i;
	}
	connect_to(argv[1]);
	say_hello();
	make_context();
	u64 function = load_kernel();
	u64 a = allocate(once), b = allocate(twice);
	launch(function, a, b);
	int status = compare(a);
	REQUIRE_INT(cuda, rpc_cumemfree_v2_1(a, cuda));
	REQUIRE_INT(control, control_goodbye_1(control));
	return status;
}
