#include "settings.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "platform.h"

static struct cu_settings settings;

static const char *variable(const char *name)
{
	const char *value = cu_environment(name);
	return value && *value ? strdup(value) : NULL; /* the program may change its environment later */
}

static void read_settings(void)
{
	enum cr_log_level level = CR_LOG_NONE;
	const char *log = cu_environment("CRICKET_LOG");
	bool log_valid = !log || !*log || cr_log_parse(log, &level);
	cr_log_init("cricket", log_valid ? level : CR_LOG_WARNING);
	if (!log_valid)
		cr_log(CR_LOG_WARNING, "CRICKET_LOG=%s is not a level; use none, error, warning, info or debug", log);
	settings.server = variable("CRICKET_SERVER");
	if (!settings.server)
		settings.server = "tcp://127.0.0.1";
	settings.token_file = variable("CRICKET_TOKEN_FILE");
	settings.trace = variable("CRICKET_TRACE");
	settings.stats = variable("CRICKET_STATS");
	const char *synchronous = cu_environment("CRICKET_SYNC");
	settings.synchronous = synchronous && strcmp(synchronous, "1") == 0;
}

const struct cu_settings *cu_settings(void)
{
	static struct cu_once once = CU_ONCE_INIT;
	cu_once(&once, read_settings);
	return &settings;
}
