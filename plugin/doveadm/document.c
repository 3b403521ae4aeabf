/* SPDX-License-Identifier: MIT */
/*
 * document: a keyring's document outside of every store.  See document.h.
 */
#include "doveadm/document.h"

#include "write-full.h"

#include "roost/keyring.h"

#include <fcntl.h>
#include <unistd.h>

const char *
roost_document_name(const char *path)
{
	return path != NULL ? path : "from standard input";
}

static int
document_fail(const char *call, const char *path, const char **error_r)
{
	*error_r = t_strdup_printf("%s(%s) failed: %m%s", call, path,
		errno != EACCES ? "" : "; doveadm does this with the rights "
		"of the user whose mail it is: let the shell redirect "
		"standard input or output instead");
	return -1;
}

/* One byte more than there may be shows that there is too much. */
static int
document_read_fd(int fd, const char *path, buffer_t *doc,
		 const char **error_r)
{
	size_t max = ROOST_KEYRING_DOC_MAX + 1;
	char *bytes = t_malloc_no0(max);
	ssize_t ret = 1;

	while (ret != 0 && doc->used < max) {
		ret = read(fd, bytes, max - doc->used);
		if (ret < 0 && errno != EINTR)
			return document_fail("read", path, error_r);
		if (ret > 0)
			buffer_append(doc, bytes, (size_t)ret);
	}
	if (doc->used > 0 && doc->used < max)
		return 0;
	*error_r = t_strdup_printf("%s is no keyring: it %s", path,
		doc->used == 0 ? "is empty" : "has more than 65536 bytes");
	return -1;
}

int
roost_document_read(const char *path, buffer_t *doc_r, const char **error_r)
{
	int fd = STDIN_FILENO, ret;

	buffer_set_used_size(doc_r, 0);
	if (path != NULL) {
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
		if (fd < 0)
			return document_fail("open", path, error_r);
	}
	ret = document_read_fd(fd, path != NULL ? path : "standard input",
			       doc_r, error_r);
	if (path != NULL)
		i_close_fd(&fd);
	return ret;
}

static int
document_write_fd(int fd, const char *path, const buffer_t *doc,
		  const char **error_r)
{
	if (write_full(fd, doc->data, doc->used) < 0)
		return document_fail("write", path, error_r);
	if (fsync(fd) < 0)
		return document_fail("fsync", path, error_r);
	return 0;
}

int
roost_document_write(const char *path, const buffer_t *doc,
		     const char **error_r)
{
	int fd, ret;

	if (path == NULL)
		return write_full(STDOUT_FILENO, doc->data, doc->used) == 0 ?
			0 : document_fail("write", "standard output", error_r);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return document_fail("open", path, error_r);
	ret = document_write_fd(fd, path, doc, error_r);
	i_close_fd(&fd);
	if (ret < 0)
		i_unlink(path);
	return ret;
}
