/* stock PORT: a plain ONC RPC client of a server on 127.0.0.1, as rpcgen and libtirpc make it: one blocking call
 * at a time, every call answered. It measures what the commands ask for (commands.h).
 *
 *     null COUNT           seconds per call of the NULL procedure
 *     launch COUNT         seconds per launch of an empty kernel, with one synchronisation at the end
 *     up SIZE COUNT        seconds per copy of SIZE bytes to the device, in pieces that the protocol allows
 *     down SIZE COUNT      the same from the device
 */
#include <arpa/inet.h>
#include <rpc/rpc.h>
#include <stdbool.h>
#include <stdint.h>

#include "commands.h"
#include "protocol_hash.h"
#include "rpc_control.h"
#include "rpc_cuda.h"

static const char ptx[] = ".version 7.0\n.target sm_75\n.address_size 64\n.visible .entry empty()\n{\n	ret;\n}\n";

/* Both programs are spoken over one connection: the session is the connection. */
static CLIENT *control, *cuda;
static u64 kernel;

/* Ends the program unless the call `what` has a result, whose error is `err`. */
static void require(CLIENT *client, const char *what, const void *result, int err)
{
	char text[32];
	if (!result)
		command_fail(what, clnt_sperror(client, "no reply"));
	snprintf(text, sizeof(text), "CUDA error %d", err);
	if (err)
		command_fail(what, text);
}

static void require_int(CLIENT *client, const char *what, const int *result)
{
	require(client, what, result, result ? *result : 0);
}

static void connect_to(const char *port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)))
		command_fail("connect", "no server there");
	struct netbuf server = {sizeof(address), sizeof(address), &address};
	control = clnt_vc_create(fd, &server, CRICKET_CONTROL, CRICKET_CONTROL_V1, 0, 0);
	cuda = clnt_vc_create(fd, &server, CRICKET_CUDA, CRICKET_CUDA_V1, 0, 0);
	if (!control || !cuda)
		command_fail("connect", clnt_spcreateerror("clnt_vc_create"));
}

static void open_session(void)
{
	hello_args args = {.protocol = CRICKET_PROTOCOL_VERSION, .client = (char *)(uintptr_t) "stock client"};
	memcpy(args.hash, cricket_protocol_hash, sizeof(args.hash));
	hello_res *answer = control_hello_1(args, control);
	require(control, "hello", answer, 0);
	if (answer->status != HELLO_OK)
		command_fail("hello", answer->hello_res_u.refusal.message);
	u64_res *context = rpc_cudeviceprimaryctxretain_1(0, cuda);
	require(cuda, "retain", context, context ? context->err : 0);
	require_int(cuda, "set current", rpc_cuctxsetcurrent_1(context->u64_res_u.value, cuda));
}

static void load_kernel(void)
{
	upload_args upload = {.id = 1, .total = sizeof(ptx), .data = {sizeof(ptx), (char *)(uintptr_t)ptx}};
	require_int(control, "upload", control_upload_1(upload, control));
	load_args args = {.image = 1};
	load_res *loaded = rpc_cumoduleloaddataex_1(args, cuda);
	require(cuda, "load", loaded, loaded ? loaded->err : 0);
	if (loaded->load_res_u.value.functions.functions_len != 1)
		command_fail("load", "not one function");
	kernel = loaded->load_res_u.value.functions.functions_val[0].function;
}

static void measure_null(const long *arguments, double *results)
{
	double start = command_seconds();
	for (long i = 0; i < arguments[0]; i++)
		require(control, "null", control_null_1(control), 0);
	results[0] = (command_seconds() - start) / (double)arguments[0];
}

static void measure_launch(const long *arguments, double *results)
{
	launch_args args = {.function = kernel, .grid = {1, 1, 1}, .block = {1, 1, 1}};
	double start = command_seconds();
	for (long i = 0; i < arguments[0]; i++)
		require_int(cuda, "launch", rpc_culaunchkernel_1(args, cuda));
	require_int(cuda, "synchronise", rpc_cuctxsynchronize_1(cuda));
	results[0] = (command_seconds() - start) / (double)arguments[0];
}

static u64 allocate(long size)
{
	u64_res *memory = rpc_cumemalloc_v2_1((u64)size, cuda);
	require(cuda, "alloc", memory, memory ? memory->err : 0);
	return memory->u64_res_u.value;
}

static void copy_up(u64 to, char *from, u64 size)
{
	for (u64 done = 0; done < size; done += CRICKET_BLOB_MAX) {
		u64 piece = size - done < CRICKET_BLOB_MAX ? size - done : CRICKET_BLOB_MAX;
		blob bytes = {(u_int)piece, from + done};
		require_int(cuda, "copy up", rpc_cumemcpyhtod_v2_1(to + done, bytes, cuda));
	}
}

static void copy_down(char *to, u64 from, u64 size)
{
	for (u64 done = 0; done < size; done += CRICKET_BLOB_MAX) {
		u64 piece = size - done < CRICKET_BLOB_MAX ? size - done : CRICKET_BLOB_MAX;
		blob_res *bytes = rpc_cumemcpydtoh_v2_1(from + done, piece, cuda);
		require(cuda, "copy down", bytes, bytes ? bytes->err : 0);
		memcpy(to + done, bytes->blob_res_u.value.blob_val, piece);
		xdr_free((xdrproc_t)xdr_blob_res, bytes);
	}
}

static void measure_copy(const long *arguments, double *results, bool up)
{
	char *host = command_memory((size_t)arguments[0]);
	u64 device = allocate(arguments[0]);
	double start = command_seconds();
	for (long i = 0; i < arguments[1]; i++) {
		if (up)
			copy_up(device, host, (u64)arguments[0]);
		else
			copy_down(host, device, (u64)arguments[0]);
	}
	results[0] = (command_seconds() - start) / (double)arguments[1];
	require_int(cuda, "free", rpc_cumemfree_v2_1(device, cuda));
	free(host);
}

static void measure_up(const long *arguments, double *results)
{
	measure_copy(arguments, results, true);
}

static void measure_down(const long *arguments, double *results)
{
	measure_copy(arguments, results, false);
}

int main(int argc, char **argv)
{
	static const struct command table[] = {
	    {"null", measure_null}, {"launch", measure_launch}, {"up", measure_up}, {"down", measure_down}};
	if (argc != 2)
		command_fail("usage", "stock PORT");
	connect_to(argv[1]);
	open_session();
	load_kernel();
	return command_loop(table, sizeof(table) / sizeof(*table));
}
