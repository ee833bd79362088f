#include "config.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

int srv_config_write(const struct srv_config *config)
{
	int fd = memfd_create("cricket-session", MFD_CLOEXEC);
	if (fd < 0)
		return -1;
	if (pwrite(fd, config, sizeof(*config), 0) == (ssize_t)sizeof(*config))
		return fd;
	int error = errno ? errno : EIO;
	close(fd);
	errno = error;
	return -1;
}

bool srv_config_read(int fd, struct srv_config *config)
{
	bool whole = pread(fd, config, sizeof(*config), 0) == (ssize_t)sizeof(*config);
	close(fd);
	return whole && config->token_size <= sizeof(config->token);
}
