/* SPDX-License-Identifier: MIT */
/*
 * name: which names of keywords are private.  See name.h.
 *
 * $label1 to $label5 are not among the registered names: what they mean is up
 * to the user, and a client shows them under names that the user gave them.
 */
#include "keywords/name.h"

#include "roost/flagname.h"

/* The registry "IMAP and JMAP Keywords" of IANA, by the RFC that defines
   each, and what clients wrote before there was one. */
static const char *const registered[] = {
	/* RFC 9051 2.3.2, RFC 5788; the next two RFC 4550 */
	"$Forwarded", "$Junk", "$MDNSent", "$NotJunk", "$Phishing",
	"$SubmitPending", "$Submitted",
	/* RFC 8457 */
	"$Important",
	/* RFC 9979 */
	"$autosent", "$canunsubscribe", "$followed", "$hasattachment",
	"$hasmemo", "$hasnoattachment", "$imported", "$istrusted",
	"$MailFlagBit0", "$MailFlagBit1", "$MailFlagBit2", "$maskedemail",
	"$memo", "$muted", "$new", "$notify", "$unsubscribed",
	/* The same without a registration */
	"Forwarded", "Junk", "JunkRecorded", "NonJunk", "NotJunk",
	NULL
};

bool
roost_keyword_name_is_registered(const char *name)
{
	return str_array_icase_find(registered, name) ||
		roost_flagname_is_lost(name);
}

bool
roost_keyword_name_is_private(const char *name, enum roost_keywords mode)
{
	switch (mode) {
	case ROOST_KEYWORDS_OFF:
		return FALSE;
	case ROOST_KEYWORDS_PRIVATE:
		return !roost_keyword_name_is_registered(name);
	case ROOST_KEYWORDS_ALL:
		return TRUE;
	}
	i_unreached();
}
