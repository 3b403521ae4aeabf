/* SPDX-License-Identifier: MIT */
/*
 * reopen: the file of a message, found anew.  See reopen.h.
 */
#include "session/reopen.h"

#include "dbox-file.h"
#include "dbox-mail.h"
#include "mdbox-file.h"
#include "mdbox-map.h"
#include "mdbox-storage.h"

#include "session/storage.h"

#include <sys/stat.h>

static bool
is_mdbox(const struct mail *mail)
{
	return strcmp(mail->box->storage->name, MDBOX_STORAGE_NAME) == 0;
}

void
roost_reopen_prepare(struct mail *mail)
{
	struct mail_storage *storage = mail->box->storage;
	struct mdbox_storage *mdbox;
	struct dbox_mail *dmail;

	if (!roost_storage_is_dbox(storage) || mail->saving)
		return;
	dmail = DBOX_MAIL(mail);
	if (dmail->open_file != NULL)
		dbox_file_unref(&dmail->open_file);
	/* Where the map cannot be read, the message cannot either. */
	if (is_mdbox(mail)) {
		mdbox = MDBOX_STORAGE(storage);
		(void)mdbox_map_refresh(mdbox->map);
	}
}

/* Does the map tell another place of the message than its file was opened at?
   Where it tells none, the storage finds out what that means. */
static bool
place_is_other(struct mail *mail, const struct dbox_file *file)
{
	const struct mdbox_file *mfile = (const struct mdbox_file *)file;
	struct mdbox_mailbox *mbox = MDBOX_MAILBOX(mail->box);
	uint32_t map_uid, file_id;
	uoff_t offset;

	return mdbox_map_refresh(mbox->storage->map) == 0 &&
		mdbox_mail_lookup(mbox, mail->transaction->view, mail->seq,
				  &map_uid) == 0 &&
		mdbox_map_lookup(mbox->storage->map, map_uid, &file_id,
				 &offset) > 0 &&
		(file_id != mfile->file_id || offset != file->cur_offset);
}

bool
roost_reopen_is_needed(struct mail *mail)
{
	const struct dbox_file *file;
	struct dbox_mail *dmail;
	struct stat st, now;

	if (!roost_storage_is_dbox(mail->box->storage) || mail->saving)
		return FALSE;
	dmail = DBOX_MAIL(mail);
	file = dmail->open_file;
	if (file == NULL || file->fd == -1)
		return FALSE;
	if (fstat(file->fd, &st) < 0 || stat(file->cur_path, &now) < 0 ||
	    st.st_ino != now.st_ino || !CMP_DEV_T(st.st_dev, now.st_dev))
		return TRUE;
	return is_mdbox(mail) && place_is_other(mail, file);
}
