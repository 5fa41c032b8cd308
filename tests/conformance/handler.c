/* A test of the suite as a handler: calls its `main`, and responds with its exit code. */

#include <errno.h>
#include <pilotlight.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv);

static char text[8];

static int32_t run(const pilotlight_invocation *invocation, pilotlight_outcome *outcome)
{
	char name[] = "./test";
	char *arguments[] = {name, NULL};
	(void)invocation;
	pid_t process = getpid();
	/* As at the start of a program. */
	errno = 0;
	int code = main(1, arguments) & 0xff;
	fflush(stdout);
	/* Children that the test forked also return from `main`; only their parent may respond. */
	if (getpid() != process)
		exit(code);
	outcome->response.data = (const uint8_t *)text;
	outcome->response.length = (size_t)snprintf(text, sizeof text, "%d", code);
	return PILOTLIGHT_RESPONSE;
}

PILOTLIGHT_HANDLERS(NULL, {"run", run})
