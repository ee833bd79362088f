/* Runs a session over the port that is linked with it; the argument is the server's address. */
#include <stdio.h>
#include <stdlib.h>

#include "session.h"

int main(int argc, char **argv)
{
	CUresult last;
	if (argc > 1)
		setenv("CRICKET_SERVER", argv[1], 1);
	CUresult err = session_run(&last);
	printf("CUDA error %d\n", (int)err);
	return err != CUDA_SUCCESS;
}
