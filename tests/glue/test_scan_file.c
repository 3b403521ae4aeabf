/* SPDX-License-Identifier: MIT */
/*
 * test_scan_file: whether a message file has sealed messages, and that one
 * that cannot be read is never said to have none.
 *
 * Contains scan-file.c, each of whose reads fails in its turn.
 */
#include "dovecot/compat.h"

#include "dbox-file.h"
#include "hex-dec.h"
#include "str.h"
#include "test-common.h"

#include "roost/header.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static unsigned int reads, failing_read;

static ssize_t
read_at(int fd, void *bytes, size_t len, off_t off)
{
	if (++reads == failing_read) {
		errno = EIO;
		return -1;
	}
	return pread(fd, bytes, len, off);
}

#undef pread
#define pread read_at
#include "session/scan-file.c"

static const char sealed[] = "\x8eRST\r\n\x1a\n";
static char path[100];

static void
put(const string_t *content)
{
	int fd = open(path, O_WRONLY | O_TRUNC);

	i_assert(fd >= 0 && write(fd, str_data(content), str_len(content)) ==
		 (ssize_t)str_len(content));
	i_close_fd(&fd);
}

/* A message of a dbox file, and its metadata. */
static void
add_message(string_t *file, const char *text, size_t text_len)
{
	struct dbox_message_header header;
	char size[sizeof(header.message_size_hex) + 1];

	memset(&header, ' ', sizeof(header));
	memcpy(header.magic_pre, DBOX_MAGIC_PRE, sizeof(header.magic_pre));
	header.type = DBOX_MESSAGE_TYPE_NORMAL;
	header.save_lf = '\n';
	if (i_snprintf(size, sizeof(size), "%016zx", text_len) < 0)
		i_unreached();
	memcpy(header.message_size_hex, size,
	       sizeof(header.message_size_hex));
	str_append_data(file, &header, sizeof(header));
	str_append_data(file, text, text_len);
	str_append(file, DBOX_MAGIC_POST);
	/* More than is read at once. */
	str_append(file, "B");
	while (str_len(file) % 10000 != 0)
		str_append_c(file, 'b');
	str_append(file, "\n\n");
}

static string_t *
dbox_file(void)
{
	string_t *file = str_new(default_pool, 40000);

	str_printfa(file, "%d M%zx\n", DBOX_VERSION,
		    sizeof(struct dbox_message_header));
	return file;
}

/* What is said of the file, and that each failure to read is told. */
static void
test_file(int (*look)(const char *path), int right)
{
	unsigned int i, count;

	reads = failing_read = 0;
	test_assert(look(path) == right);
	count = reads;
	test_assert(count > 0);
	for (i = 1; i <= count; i++) {
		reads = 0;
		failing_read = i;
		errno = 0;
		test_assert_idx(look(path) == -1 && errno == EIO, i);
	}
	failing_read = 0;
}

static void
test_single(void)
{
	string_t *file = t_str_new(100);

	test_begin("a file that is one message");
	str_append(file, "Subject: x\n\nbody\n");
	put(file);
	test_file(roost_scan_file_is_sealed, 0);
	str_truncate(file, 0);
	str_append_data(file, sealed, ROOST_MAGIC_SIZE);
	put(file);
	test_file(roost_scan_file_is_sealed, 1);
	i_unlink(path);
	errno = 0;
	test_assert(roost_scan_file_is_sealed(path) == -1 && errno == ENOENT);
	test_assert(roost_scan_file_has_sealed(path) == -1 &&
		    errno == ENOENT);
	test_end();
}

static void
test_unknown(void)
{
	string_t *file = str_new(default_pool, 40000);

	test_begin("a file that is no dbox file is searched to its end");
	while (str_len(file) < 20000)
		str_append(file, "any words ");
	put(file);
	test_file(roost_scan_file_has_sealed, 0);
	str_append_data(file, sealed, ROOST_MAGIC_SIZE);
	put(file);
	test_file(roost_scan_file_has_sealed, 1);
	str_free(&file);
	test_end();
}

static void
test_dbox(void)
{
	string_t *file = dbox_file();

	test_begin("the messages of a dbox file");
	add_message(file, "Subject: x\n\n", 12);
	add_message(file, "Subject: y\n\n", 12);
	put(file);
	test_file(roost_scan_file_has_sealed, 0);
	add_message(file, sealed, ROOST_MAGIC_SIZE);
	put(file);
	test_file(roost_scan_file_has_sealed, 1);
	str_free(&file);
	test_end();
}

/* What makes no sense is searched. */
static void
test_broken_dbox(void)
{
	string_t *file = dbox_file();

	test_begin("a dbox file that is broken");
	add_message(file, "Subject: x\n\n", 12);
	str_append(file, "no message begins here");
	put(file);
	test_file(roost_scan_file_has_sealed, 0);
	add_message(file, sealed, ROOST_MAGIC_SIZE);
	put(file);
	test_file(roost_scan_file_has_sealed, 1);
	str_free(&file);
	test_end();
}

int
main(void)
{
	static void (*const tests[])(void) = {
		test_unknown,
		test_dbox,
		test_broken_dbox,
		test_single,
		NULL
	};
	const char *top = getenv("TMPDIR");
	int fd;

	i_snprintf(path, sizeof(path), "%s/roost-scan.XXXXXX",
		   top != NULL ? top : "/tmp");
	fd = mkstemp(path);
	if (fd < 0)
		return 1;
	i_close_fd(&fd);
	return test_run(tests);
}
