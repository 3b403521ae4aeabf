/* SPDX-License-Identifier: MIT */
/*
 * keygen: `roost keygen FILE`: a new key pair for escrow slots: FILE holds the
 * private key, which is to be kept away from the servers, and FILE.pub the
 * public one, which `doveadm roost slot add` takes.
 */
#define _GNU_SOURCE
#include "tool/commands.h"

#include "tool/say.h"

#include "roost/escrow.h"
#include "roost/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Write a new file and have it on the disk.  0, or -1 with errno, and then
   there is no file that this call made. */
static int
file_write(const char *path, const char *text, mode_t mode)
{
	size_t len = strlen(text);
	int error = 0, fd = open(path, O_WRONLY | O_CREAT | O_EXCL |
				 O_NOFOLLOW | O_CLOEXEC, mode);

	if (fd < 0)
		return -1;
	/* So few bytes are written at once, or the disk is full. */
	errno = ENOSPC;
	if (fchmod(fd, mode) < 0 || write(fd, text, len) != (ssize_t)len ||
	    fsync(fd) < 0)
		error = errno;
	if (close(fd) < 0 && error == 0)
		error = errno;
	if (error == 0)
		return 0;
	(void)unlink(path);
	errno = error;
	return -1;
}

static enum roost_status
write_fail(const char *path)
{
	if (errno == EEXIST)
		roost_say("%s is there already and is not replaced: name "
			  "another file", roost_say_name(path));
	else
		roost_say("Cannot write %s: %s", roost_say_name(path),
			  strerror(errno));
	return ROOST_STATUS_FAILED;
}

static enum roost_status
pair_write(const char *path, const char *pub_path,
	   const uint8_t private_key[ROOST_KEY_SIZE],
	   const uint8_t public_key[ROOST_KEY_SIZE])
{
	char text[ROOST_ESCROW_TEXT_SIZE];
	int ret;

	roost_escrow_write(ROOST_ESCROW_PRIVATE, private_key, text);
	ret = file_write(path, text, 0600);
	roost_wipe(text, sizeof(text));
	if (ret < 0)
		return write_fail(path);
	roost_escrow_write(ROOST_ESCROW_PUBLIC, public_key, text);
	if (file_write(pub_path, text, 0644) < 0) {
		/* A private key alone is of no use. */
		enum roost_status status = write_fail(pub_path);

		(void)unlink(path);
		return status;
	}
	roost_say("%s holds the private key: who has it reads all mail of "
		  "every keyring with this escrow slot, so keep it away from "
		  "the servers.  `doveadm roost slot add` takes %s",
		  roost_say_name(path), roost_say_name(pub_path));
	return ROOST_STATUS_OK;
}

enum roost_status
roost_keygen_command(const struct roost_options *options)
{
	uint8_t private_key[ROOST_KEY_SIZE], public_key[ROOST_KEY_SIZE];
	enum roost_status status = ROOST_STATUS_FAILED;
	char *pub_path = NULL;

	if (asprintf(&pub_path, "%s.pub", options->args[0]) < 0 ||
	    roost_escrow_make(private_key, public_key) != ROOST_OK)
		roost_say("No key pair can be made");
	else
		status = pair_write(options->args[0], pub_path, private_key,
				    public_key);
	roost_wipe(private_key, sizeof(private_key));
	free(pub_path);
	return status;
}
