#include "driver_start.h"

#include <dlfcn.h>
#include <stdio.h>

#include "session.h"

bool srv_driver_start(struct srv_session *session, char problem[CRICKET_TEXT_MAX])
{
	const char *path = session->config.driver_path;
	if (session->driver_version)
		return true;
	void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!library) {
		snprintf(problem, CRICKET_TEXT_MAX, "the server cannot open its driver: %.800s", dlerror());
		return false;
	}
	srv_driver_load(&driver, library);
	CUresult err = SRV_DRIVER(cuInit, 0);
	if (!err)
		err = SRV_DRIVER(cuDriverGetVersion, &session->driver_version);
	if (!err)
		return true;
	snprintf(problem, CRICKET_TEXT_MAX, "the server's driver %.600s does not start: CUDA error %d", path, err);
	return false;
}
