/* cricket-server: a listening process, and one process of the same program for each client. */
#include <stdio.h>
#include <sys/types.h>
#include <unistd.h>

#include "driver_choice.h"
#include "listener.h"
#include "options.h"
#include "session.h"

_Static_assert(CR_DEFAULT_PORT == CRICKET_DEFAULT_PORT, "common/transport.h and proto/rpc_control.x differ");

static int fail(const struct cr_reason *why)
{
	fprintf(stderr, "cricket-server: %s\n", why->text);
	return 1;
}

/* Beyond the machine, anybody could use the GPU. */
static bool check_address(const struct srv_options *options, struct cr_reason *why)
{
	if (options->token_file || cr_uri_is_local(&options->listen))
		return true;
	char text[384];
	cr_uri_format(&options->listen, text, sizeof(text));
	snprintf(why->text, sizeof(why->text),
		 "--listen %s is open to the network: give a --token-file that clients must "
		 "know, or listen on tcp://127.0.0.1:%u",
		 text, options->listen.port);
	return false;
}

int main(int argc, char **argv)
{
	struct srv_options options;
	srv_options_parse(&options, argc, argv);
	static struct srv_config config;
	if (options.session_socket >= 0)
		return srv_session_main(options.session_socket, options.session_config);
	cr_log_init("cricket-server", options.log_level);
	config.log_level = options.log_level;
	config.hello_timeout_ms = options.hello_timeout_ms;
	config.listener = getpid();
	struct cr_reason why;
	if (!check_address(&options, &why))
		return fail(&why);
	if (options.token_file && !srv_token_read(options.token_file, &config, &why))
		return fail(&why);
	if (!srv_driver_choose(options.driver, &config, &why))
		return fail(&why);
	int status = srv_listen(&options, &config, &why);
	return status ? fail(&why) : 0;
}
