/* SPDX-License-Identifier: MIT */
#ifndef ROOST_DOVECOT_COMPAT_H
#define ROOST_DOVECOT_COMPAT_H

/*
 * dovecot-compat: the one file that knows how Dovecot's versions differ,
 * besides the settings files, of which there is one for each major.
 *
 * ROOST_HAVE_... come from the compile probes.
 */

#include "lib.h"
#include "array.h"
#include "buffer.h"
#include "istream.h"
#include "ostream.h"
#include "str.h"
#include "mail-storage-private.h"
#include "mail-storage-settings.h"
#include "mail-namespace.h"
#include "mail-user.h"

#include "roost-probes.h"

/* Name and value of the setting that keeps attachments in files apart. */
#ifdef ROOST_HAVE_EXT_ATTACHMENT_PATH
# define ROOST_ATTACHMENT_SETTING "mail_ext_attachment_path"
# define roost_attachment_dir(storage) \
	((storage)->set->mail_ext_attachment_path)
#else
# define ROOST_ATTACHMENT_SETTING "mail_attachment_dir"
# define roost_attachment_dir(storage) \
	((storage)->set->mail_attachment_dir)
#endif

#endif
