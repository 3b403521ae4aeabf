/* SPDX-License-Identifier: MIT */
/*
 * passdb: whether a password is the right one.  See passdb.h.
 *
 * Dovecot's own client of the auth process leaves copies of what it sends in
 * memory that nobody wipes; the protocol is a few lines.
 */
#include "doveadm/passdb.h"

#include "base64.h"
#include "net.h"
#include "write-full.h"

#include "doveadm-settings.h"

#include "auth-client-interface.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define TIMEOUT_SECS 10
#define NAME_MAX_SIZE 512
#define PLAIN_SIZE (NAME_MAX_SIZE + ROOST_PASSWORD_MAX + 2)

int
roost_passdb_connect(void)
{
	const char *path = t_strconcat(doveadm_settings->base_dir,
				       "/auth-client", NULL);
	const struct timeval timeout = { .tv_sec = TIMEOUT_SECS };
	int fd = net_connect_unix(path);

	if (fd < 0)
		return -1;
	net_set_nonblock(fd, FALSE);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout,
		       sizeof(timeout)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout,
		       sizeof(timeout)) < 0)
		i_close_fd(&fd);
	return fd;
}

static int
send_greeting(int fd)
{
	const char *text = t_strdup_printf("VERSION\t%u\t%u\nCPID\t%ld\n",
		AUTH_CLIENT_PROTOCOL_MAJOR_VERSION,
		AUTH_CLIENT_PROTOCOL_MINOR_VERSION, (long)getpid());

	return write_full(fd, text, strlen(text));
}

static int
send_request(int fd, const char *username,
	     const struct roost_password *password)
{
	/* In a pool that is wiped as it is freed, also of what a buffer leaves
	   behind when it grows. */
	pool_t pool = pool_alloconly_create_clean("roost passdb", PLAIN_SIZE);
	buffer_t *plain = buffer_create_dynamic(pool, PLAIN_SIZE);
	buffer_t *line = buffer_create_dynamic(pool, PLAIN_SIZE * 2);
	int ret;

	buffer_append_c(plain, '\0');
	buffer_append(plain, username, strlen(username));
	buffer_append_c(plain, '\0');
	buffer_append(plain, password->text, password->len);
	str_append(line, "AUTH\t1\tPLAIN\tservice=imap\tsecured\t"
		   "no-penalty\tresp=");
	base64_encode(plain->data, plain->used, line);
	buffer_append_c(line, '\n');
	ret = write_full(fd, line->data, line->used);
	pool_unref(&pool);
	return ret;
}

/* The greeting comes first, line by line.  Returns the answer's line, or NULL
   if there is none. */
static const char *
receive_answer(int fd, string_t *said)
{
	static const char *const answers[] = { "\nOK\t1", "\nFAIL\t1" };
	char block[1024];
	const char *found;
	unsigned int i;
	ssize_t ret;

	str_append_c(said, '\n');
	while ((ret = read(fd, block, sizeof(block))) > 0) {
		str_append_data(said, block, (size_t)ret);
		for (i = 0; i < N_ELEMENTS(answers); i++) {
			found = strstr(str_c(said), answers[i]);
			if (found != NULL && strchr(found + 1, '\n') != NULL)
				return t_strcut(found + 1, '\n');
		}
		if (str_len(said) > AUTH_CLIENT_MAX_LINE_LENGTH * 4)
			break;
	}
	return NULL;
}

enum roost_passdb_answer
roost_passdb_ask(int fd, const char *username,
		 const struct roost_password *password)
{
	string_t *said = t_str_new(1024);
	const char *answer;

	if (fd < 0 || strlen(username) > NAME_MAX_SIZE ||
	    send_greeting(fd) < 0 || send_request(fd, username, password) < 0)
		return ROOST_PASSDB_SILENT;
	answer = receive_answer(fd, said);
	if (answer == NULL)
		return ROOST_PASSDB_SILENT;
	if (strncmp(answer, "OK", 2) == 0)
		return ROOST_PASSDB_RIGHT;
	/* An old word and a new one for a passdb that failed. */
	return str_array_find(t_strsplit(answer, "\t"), "temp") ||
		strstr(answer, "temp_fail") != NULL ? ROOST_PASSDB_SILENT :
		ROOST_PASSDB_WRONG;
}
