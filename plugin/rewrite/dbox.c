/* SPDX-License-Identifier: MIT */
/*
 * dbox: a message in a dbox file, with a new form.  See dbox.h.
 *
 * The file is read past Dovecot's stream of it, because form->stored reads that
 * stream and would lose its place.
 */
#include "rewrite/dbox.h"

#include "dbox-mail.h"
#include "dbox-storage.h"
#include "read-full.h"
#include "strnum.h"

#include <fcntl.h>
#include <unistd.h>

#define LINES_SIZE_MAX (64 * 1024)
#define LINES_SIZE_STEP 1024

static const char *
file_error(const struct dbox_file *file, const char *call)
{
	return t_strdup_printf("%s(%s) failed: %m", call, file->cur_path);
}

enum roost_rewrite_placed
roost_rewrite_dbox_failed(int error)
{
	return error == ENOSPC || error == EDQUOT || error == EROFS ?
		ROOST_REWRITE_PLACE_FULL : ROOST_REWRITE_PLACE_FAILED;
}

/* Where the block of lines ends that is in data from its start on: behind its
   empty line; 0 if that is not in it. */
static size_t
lines_end(const unsigned char *data, size_t size)
{
	size_t i;

	for (i = sizeof(DBOX_MAGIC_POST) - 2; i + 1 < size; i++) {
		if (data[i] == '\n' && data[i + 1] == '\n')
			return i + 2;
	}
	return 0;
}

/* Read what the file has at that offset until the block of lines is there. */
static int
lines_read(struct roost_rewrite_dbox *old, uoff_t offset, const char **error_r)
{
	buffer_t *lines = t_buffer_create(LINES_SIZE_STEP);
	size_t size = 0, end = 0;
	ssize_t ret = 1;

	while (end == 0 && ret > 0 && size < LINES_SIZE_MAX) {
		ret = pread(old->file->fd,
			    buffer_get_space_unsafe(lines, size,
						    LINES_SIZE_STEP),
			    LINES_SIZE_STEP, (off_t)(offset + size));
		if (ret < 0 && errno == EINTR)
			ret = 1;
		else if (ret > 0)
			size += (size_t)ret;
		end = lines_end(lines->data, size);
	}
	buffer_set_used_size(lines, end != 0 ? end : size);
	old->lines = lines;
	old->end = offset + end;
	if (ret < 0)
		*error_r = file_error(old->file, "pread");
	else if (end == 0 ||
		 memcmp(lines->data, DBOX_MAGIC_POST,	/* public */
			sizeof(DBOX_MAGIC_POST) - 1) != 0)
		*error_r = t_strdup_printf("%s has no whole record behind the "
			"message: doveadm force-resync repairs it",
			old->file->cur_path);
	else
		return 0;
	return -1;
}

/* Returns the value of the line with that key; NULL if there is none. */
static const char *
lines_get(const struct roost_rewrite_dbox *old, enum dbox_metadata_key key)
{
	const char *const *line =
		t_strsplit(t_strndup(old->lines->data, old->lines->used) +
			   sizeof(DBOX_MAGIC_POST) - 1, "\n");

	for (; *line != NULL; line++) {
		if (**line == (char)key)
			return *line + 1;
	}
	return NULL;
}

static int
old_is_sealed(struct roost_rewrite_dbox *old, const char **error_r)
{
	uint8_t magic[ROOST_MAGIC_SIZE];
	size_t size = I_MIN(sizeof(magic), old->size);

	if (pread_full(old->file->fd, magic, size,
		       (off_t)(old->offset +
			       old->file->msg_header_size)) <= 0 &&
	    size > 0) {
		*error_r = file_error(old->file, "pread");
		return -1;
	}
	old->is_sealed = roost_header_is_claimed(magic, size);
	return 0;
}

/* Why the message is not to be touched; NULL if it may be. */
static const char *
old_refusal(const struct roost_rewrite_dbox *old)
{
	if (old->file->file_version != DBOX_VERSION ||
	    old->file->msg_header_size !=
	    sizeof(struct dbox_message_header) ||
	    lines_get(old, DBOX_METADATA_OLDV1_SPACE) != NULL)
		return "its file is one of an old Dovecot: doveadm sync it to "
			"a new mailbox";
	if (lines_get(old, DBOX_METADATA_EXT_REF) != NULL)
		return "its attachments are in files of their own, which "
			"cannot be sealed";
	return NULL;
}

int
roost_rewrite_dbox_look(struct mail *mail, struct roost_rewrite_dbox *old_r,
			const char **error_r)
{
	struct dbox_mail *dmail = DBOX_MAIL(mail);
	struct dbox_file *file = dmail->open_file;

	i_zero(old_r);
	old_r->file = file;
	old_r->offset = file->cur_offset;
	old_r->size = file->cur_physical_size;
	if (fstat(file->fd, &old_r->st) < 0) {
		*error_r = file_error(file, "fstat");
		return -1;
	}
	if (lines_read(old_r, old_r->offset + file->msg_header_size +
		       old_r->size, error_r) < 0 ||
	    old_is_sealed(old_r, error_r) < 0)
		return -1;
	*error_r = old_refusal(old_r);
	return *error_r == NULL ? 0 : -1;
}

int
roost_rewrite_dbox_is_there(const struct roost_rewrite_dbox *old,
			    const char **error_r)
{
	struct stat st;

	if (stat(old->file->cur_path, &st) == 0)
		return CMP_DEV_T(st.st_dev, old->st.st_dev) &&
			st.st_ino == old->st.st_ino ? 1 : 0;
	if (errno == ENOENT)
		return 0;
	*error_r = file_error(old->file, "stat");
	return -1;
}

/* The block of lines beside that many stored bytes. */
static const buffer_t *
new_lines(const struct roost_rewrite_dbox *old, uoff_t size)
{
	const char *value = lines_get(old, DBOX_METADATA_PHYSICAL_SIZE);
	const unsigned char *data = old->lines->data, *line, *next;
	const unsigned char *end = data + old->lines->used;
	string_t *lines = t_str_new(old->lines->used + 64);
	uintmax_t own = old->size;
	bool is_known = value == NULL ? !old->is_sealed :
		str_to_uintmax_hex(value, &own) == 0;

	line = data + sizeof(DBOX_MAGIC_POST) - 1;
	str_append_data(lines, data, (size_t)(line - data));
	if (is_known && own != size)
		str_printfa(lines, "%c%llx\n", DBOX_METADATA_PHYSICAL_SIZE,
			    (unsigned long long)own);
	for (; line < end; line = next) {
		next = (const unsigned char *)
			memchr(line, '\n', (size_t)(end - line)) + 1;
		if (*line != DBOX_METADATA_PHYSICAL_SIZE)
			str_append_data(lines, line, (size_t)(next - line));
	}
	return lines;
}

static int
output_send(struct ostream *output, const void *data, size_t size)
{
	return o_stream_send(output, data, size) == (ssize_t)size ? 0 : -1;
}

/* The header says how many bytes follow, which is known at the end only. */
static int
output_message(const struct roost_rewrite_dbox *old,
	       struct roost_rewrite_form *form, struct ostream *output,
	       const char **error_r)
{
	struct dbox_message_header hdr;
	uoff_t offset = output->offset;
	const buffer_t *lines;

	dbox_msg_header_fill(&hdr, 0);
	if (output_send(output, &hdr, sizeof(hdr)) == 0) {
		if (roost_rewrite_form_write(form, output, error_r) < 0)
			return -1;
		dbox_msg_header_fill(&hdr, form->size);
		lines = new_lines(old, form->size);
		if (output_send(output, lines->data, lines->used) == 0 &&
		    o_stream_flush(output) >= 0 &&
		    o_stream_pwrite(output, &hdr, sizeof(hdr), offset) == 0)
			return 0;
	}
	*error_r = t_strdup_printf("write(%s) failed: %s",
				   o_stream_get_name(output),
				   o_stream_get_error(output));
	return -1;
}

enum roost_rewrite_placed
roost_rewrite_dbox_write(const struct roost_rewrite_dbox *old,
			 struct roost_rewrite_form *form,
			 struct ostream *output, const char **error_r)
{
	if (output_message(old, form, output, error_r) == 0)
		return ROOST_REWRITE_PLACED;
	return roost_rewrite_dbox_failed(output->stream_errno);
}

/* TRUE if the file has these bytes at that offset. */
static bool
fd_has(int fd, uoff_t offset, const void *data, size_t size)
{
	void *read = t_malloc_no0(size);

	return pread_full(fd, read, size, (off_t)offset) > 0 &&
		memcmp(read, data, size) == 0;	/* public */
}

int
roost_rewrite_dbox_check(const struct roost_rewrite_dbox *old,
			 struct roost_rewrite_form *form, int fd,
			 uoff_t offset, const char **error_r)
{
	const buffer_t *lines = new_lines(old, form->size);
	struct dbox_message_header hdr;
	struct istream *file, *stored;
	int ret;

	dbox_msg_header_fill(&hdr, form->size);
	if (!fd_has(fd, offset, &hdr, sizeof(hdr)) ||
	    !fd_has(fd, offset + sizeof(hdr) + form->size, lines->data,
		    lines->used)) {
		*error_r = "the record around the message was read back with "
			"other bytes than were written";
		return -1;
	}
	file = i_stream_create_fd(fd, IO_BLOCK_SIZE);
	i_stream_seek(file, offset + sizeof(hdr));
	stored = i_stream_create_limit(file, form->size);
	ret = roost_rewrite_form_check(form, stored, error_r);
	i_stream_unref(&stored);
	i_stream_unref(&file);
	return ret;
}

/* The block of lines that ends the data; NULL if there is none. */
static const char *
last_lines(const char *data, size_t size)
{
	const size_t len = sizeof(DBOX_MAGIC_POST) - 1;

	for (; size >= len; size--) {
		if (memcmp(data + size - len, DBOX_MAGIC_POST,	/* public */
			   len) == 0)
			return data + size;
	}
	return NULL;
}

static const char *
lines_guid(const char *lines)
{
	const char *const *line = t_strsplit(lines, "\n");

	for (; *line != NULL; line++) {
		if (**line == (char)DBOX_METADATA_GUID)
			return *line + 1;
	}
	return NULL;
}

const char *
roost_rewrite_dbox_guid(const char *path)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	const char *guid = NULL, *lines;
	struct stat st;
	size_t size;
	char *data;

	if (fd == -1)
		return NULL;
	if (fstat(fd, &st) == 0 && st.st_size > 0) {
		size = (size_t)I_MIN(st.st_size, LINES_SIZE_MAX);
		data = t_malloc0(size + 1);
		if (pread_full(fd, data, size, st.st_size - (off_t)size) > 0 &&
		    (lines = last_lines(data, size)) != NULL)
			guid = lines_guid(lines);
	}
	i_close_fd(&fd);
	return guid;
}
