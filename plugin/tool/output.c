/* SPDX-License-Identifier: MIT */
/*
 * output: the folder that messages are extracted to.  See output.h.
 */
#define _GNU_SOURCE
#include "tool/output-private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int
output_fail(struct roost_output *output, const char *name)
{
	if (errno == ENOSPC || errno == EDQUOT || errno == EROFS ||
	    errno == EIO)
		output->is_full = true;
	roost_say("Cannot write %s in %s: %s", roost_say_name(name),
		  roost_say_name(output->path), strerror(errno));
	return -1;
}

static bool
is_empty(int fd)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	unsigned int count = 0;

	if (dir == NULL) {
		if (copy >= 0)
			(void)close(copy);
		return false;
	}
	while (count < 3 && readdir(dir) != NULL)
		count++;
	(void)closedir(dir);
	return count == 2;
}

/* Make the folder, or take an empty one. */
static int
folder_make(const char *path)
{
	int fd;

	if (mkdir(path, 0700) < 0 && errno != EEXIST) {
		roost_say("Cannot make the folder %s: %s",
			  roost_say_name(path), strerror(errno));
		return -1;
	}
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || !is_empty(fd)) {
		roost_say("%s is there already and no empty folder: nothing "
			  "is replaced or mixed, so name a new folder",
			  roost_say_name(path));
		if (fd >= 0)
			(void)close(fd);
		return -1;
	}
	return fd;
}

void
roost_output_stat(const struct roost_output *output, struct stat *st_r)
{
	if (fstat(output->fd, st_r) < 0)
		memset(st_r, 0, sizeof(*st_r));
}

static int
folder_leave(struct roost_output *output)
{
	bool is_open = output->is_open;

	output->is_open = false;
	return is_open && output->form->leave(output) < 0 ?
		output_fail(output, output->box->name) : 0;
}

/* Returns the mailbox of a name, which is made if need be. */
static struct roost_output_box *
box_get(struct roost_output *output, const char *name)
{
	struct roost_output_box **boxes;
	size_t i;

	for (i = 0; i < output->box_count; i++) {
		if (strcmp(output->boxes[i]->name, name) == 0)
			return output->boxes[i];
	}
	boxes = realloc(output->boxes, (i + 1) * sizeof(*boxes));
	if (boxes == NULL)
		return NULL;
	output->boxes = boxes;
	boxes[i] = roost_output_keywords_box(name);
	if (boxes[i] != NULL)
		output->box_count++;
	return boxes[i];
}

/* Have the mailbox open to which what follows belongs. */
static int
folder_enter(struct roost_output *output, const char *name)
{
	if (output->is_open && strcmp(output->box->name, name) == 0)
		return 0;
	if (folder_leave(output) < 0)
		return -1;
	output->box = box_get(output, name);
	if (output->box == NULL || output->form->open(output) < 0)
		return output_fail(output, name);
	output->is_open = true;
	return 0;
}

struct roost_output *
roost_output_new(const char *path, bool is_mbox,
		 const struct roost_keys *keys)
{
	struct roost_output *output;
	int fd = folder_make(path);

	if (fd < 0)
		return NULL;
	output = calloc(1, sizeof(*output));
	if (output != NULL)
		output->path = strdup(path);
	if (output == NULL || output->path == NULL) {
		roost_say("There is not enough memory");
		free(output);
		(void)close(fd);
		return NULL;
	}
	output->form = is_mbox ? &roost_output_mbox : &roost_output_maildir;
	output->keys = keys;
	output->fd = fd;
	output->box_fd = output->message_fd = -1;
	/* A maildir has an inbox, also an empty one. */
	if (!is_mbox && folder_enter(output, "") < 0)
		(void)roost_output_close(&output);
	return output;
}

int
roost_output_folder(struct roost_output *output,
		    const struct roost_tree_folder *folder)
{
	/* What was noted of the last one ends here, whatever its name. */
	if (folder_leave(output) < 0)
		return -1;
	if (folder_enter(output, folder->name) < 0)
		return -1;
	if (folder->keywords != NULL)
		roost_output_keywords_take(output, folder->keywords);
	return output->form->note(output, folder) < 0 ?
		output_fail(output, folder->name) : 0;
}

int
roost_output_begin(struct roost_output *output,
		   const struct roost_tree_message *msg)
{
	if (folder_enter(output, msg->folder) < 0)
		return -1;
	output->number++;
	output->size = 0;
	return output->form->begin(output, msg) < 0 ?
		output_fail(output, msg->folder) : 0;
}

int
roost_output_add(void *context, const uint8_t *bytes, size_t len)
{
	struct roost_output *output = context;

	output->size += len;
	return output->form->add(output, bytes, len) < 0 ?
		output_fail(output, output->box->name) : 0;
}

int
roost_output_finish(struct roost_output *output,
		    const struct roost_tree_message *msg)
{
	return output->form->finish(output, msg) < 0 ?
		output_fail(output, msg->folder) : 0;
}

void
roost_output_cancel(struct roost_output *output)
{
	output->form->cancel(output);
}

bool
roost_output_is_full(const struct roost_output *output)
{
	return output->is_full;
}

unsigned int
roost_output_tokens(const struct roost_output *output)
{
	return output->tokens;
}

unsigned int
roost_output_nameless(const struct roost_output *output)
{
	return output->nameless;
}

int
roost_output_close(struct roost_output **_output)
{
	struct roost_output *output = *_output;
	size_t i;
	int ret;

	*_output = NULL;
	if (output == NULL)
		return 0;
	ret = folder_leave(output);
	for (i = 0; i < output->box_count; i++)
		roost_output_keywords_free(output->boxes[i]);
	free(output->boxes);
	/* One call for all files, so that each need not wait for the disk. */
	if (syncfs(output->fd) < 0)
		ret = output_fail(output, ".");
	(void)close(output->fd);
	free(output->path);
	free(output);
	return ret;
}
