/* SPDX-License-Identifier: MIT */
#ifndef ROOST_SESSION_SCAN_DISK_H
#define ROOST_SESSION_SCAN_DISK_H

/*
 * scan-disk: what lies in the folders of the mail, whatever Dovecot lists.
 *
 * Dovecot shows no mailbox where it may not look, none whose name it cannot
 * read, and no message that an index does not list.  "There is no sealed
 * message" needs more: every folder opened, and every message file read by
 * one or the other.
 */

#include "session/scan.h"

struct roost_scan_disk;

struct roost_scan_disk *roost_scan_disk_init(void);
void roost_scan_disk_free(struct roost_scan_disk **disk);

/*
 * An open mailbox is about to be read through Dovecot; and one message of it
 * was read.  The walk does not read what it knows by these.
 */
void roost_scan_disk_add(struct roost_scan_disk *disk, struct mailbox *box);
void roost_scan_disk_add_uid(struct roost_scan_disk *disk, uint32_t uid);

/* Do not walk the folders of this namespace, whose mail is another owner's. */
void roost_scan_disk_exclude(struct roost_scan_disk *disk,
			     struct mail_namespace *ns);

/*
 * Walk the folders of the namespace, once all of its mailboxes were added.  0,
 * with scan->has_sealed and scan->remains set by what was found; -1 with
 * error_r where something could not be read.
 */
int roost_scan_disk_walk(struct roost_scan_disk *disk,
			 struct mail_namespace *ns, struct roost_scan *scan,
			 const char **error_r);

#endif
