/* Streams, events, callbacks: what runs when. */
#include "fixture.h"

#include <string.h>
#include <pthread.h>

START_TEST(launches_are_asynchronous)
{
	struct gate gate;
	gate_init(&gate);
	launch_gate(&gate, NULL);
	gate_wait_began(&gate);
	FAILS(CUDA_ERROR_NOT_READY, cuStreamQuery(NULL));
	gate_open(&gate);
	OK(cuStreamSynchronize(NULL));
	OK(cuStreamQuery(NULL));
}
END_TEST

START_TEST(a_stream_keeps_its_order)
{
	struct notes notes = {0};
	CUstream stream;
	OK(cuStreamCreate(&stream, CU_STREAM_DEFAULT));
	for (int i = 0; i < 50; i++)
		launch_note(&notes, i, stream);
	OK(cuStreamSynchronize(stream));
	ck_assert_int_eq(notes.count, 50);
	for (int i = 0; i < 50; i++)
		ck_assert_int_eq(notes.values[i], i);
	OK(cuStreamDestroy(stream));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {launches_are_asynchronous, a_stream_keeps_its_order};
	return RUN_TESTS("stream", setup_module, tests);
}
