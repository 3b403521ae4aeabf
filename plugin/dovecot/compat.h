/* SPDX-License-Identifier: MIT */
#ifndef ROOST_DOVECOT_COMPAT_H
#define ROOST_DOVECOT_COMPAT_H

/*
 * compat: the one file that knows how Dovecot's versions differ, besides the
 * files of settings, of which there is one for each major.
 *
 * This folder is the seam to Dovecot: what the others need alike on each
 * version of it, and how its log and its clients are told of a refusal.
 * ROOST_HAVE_... are defined by dovecot/probes, which tries what compiles.
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

/* Tell the userdb look-up in info for which protocol (2.3: service) it is. */
#ifdef ROOST_HAVE_AUTH_INFO_PROTOCOL
# define roost_auth_info_set_protocol(info, user) \
	((info)->protocol = (user)->protocol)
#else
# define roost_auth_info_set_protocol(info, user) \
	((info)->service = (user)->service)
#endif

/* Where an operator writes Roost's settings, for messages to him. */
#ifdef ROOST_HAVE_SETTINGS_FRAMEWORK
# define ROOST_SETTINGS_PLACE "at the top level of the configuration"
#else
# define ROOST_SETTINGS_PLACE "in plugin { }"
#endif

/* Where a Dovecot that reads settings of plugins by a module of their own has
   that of Roost, under the folder of plugins. */
#ifdef ROOST_HAVE_SETTINGS_FRAMEWORK
# define ROOST_SETTINGS_MODULE "settings/libroost_settings.so"
#endif

/* Does Dovecot keep its configuration in base_dir, with the contents of the
   files that settings name?  Then, what deliver_log_format says without telling
   anything of a message; and the setting, with its value, that lets the plugin
   mail_crypt read only. */
#ifdef ROOST_HAVE_SETTINGS_FRAMEWORK
# define ROOST_BASE_DIR_HOLDS_SETTINGS TRUE
# define ROOST_LOG_FORMAT_SILENT "%{message}"
# define ROOST_CRYPT_WRITE_SETTING "crypt_write_algorithm"
# define ROOST_CRYPT_WRITE_OFF ""
#else
# define ROOST_BASE_DIR_HOLDS_SETTINGS FALSE
# define ROOST_LOG_FORMAT_SILENT "%$"
# define ROOST_CRYPT_WRITE_SETTING "mail_crypt_save_version"
# define ROOST_CRYPT_WRITE_OFF "0"
#endif

/* The names of the plugins that are loaded for a user; NULL is the last. */
#ifdef ROOST_HAVE_PLUGINS_BOOLLIST
# include "settings-parser.h"
# define roost_mail_plugins(set) settings_boollist_get(&(set)->mail_plugins)
#else
# define roost_mail_plugins(set) t_strsplit_spaces((set)->mail_plugins, ", ")
#endif

/* Read a time such as "10 min" as seconds, and a size such as "64 M" as
   bytes. */
#ifdef ROOST_HAVE_STR_PARSE
# include "str-parse.h"
# define roost_parse_time(text, secs_r, error_r) \
	str_parse_get_interval(text, secs_r, error_r)
# define roost_parse_size(text, bytes_r, error_r) \
	str_parse_get_size(text, bytes_r, error_r)
#else
# include "settings-parser.h"
# define roost_parse_time(text, secs_r, error_r) \
	settings_get_time(text, secs_r, error_r)
# define roost_parse_size(text, bytes_r, error_r) \
	settings_get_size(text, bytes_r, error_r)
#endif

/* Register fields of the index cache.  Where core may shorten their names it
   takes a pool for them. */
#ifdef ROOST_HAVE_CACHE_REGISTER_POOL
# define roost_cache_register(cache, fields, count) \
	mail_cache_register_fields(cache, fields, count, \
				   unsafe_data_stack_pool)
#else
# define roost_cache_register(cache, fields, count) \
	mail_cache_register_fields(cache, fields, count)
#endif

/* Parse MIME headers, with limits to what one message may make core allocate
   where core has limits. */
#ifdef ROOST_HAVE_PART_LIMITS
# define roost_part_limits message_part_data_limits
# define ROOST_PART_LIMITS_INIT MESSAGE_PART_DATA_LIMITS_INIT
# define roost_part_data_parse(pool, part, limits, hdr) \
	message_part_data_parse_from_header(pool, part, limits, hdr)
# define roost_envelope_parse(pool, envelope, limits, hdr) \
	message_part_envelope_parse_from_header(pool, envelope, limits, hdr)
#else
struct roost_part_limits {
	bool is_unlimited;
};
# define ROOST_PART_LIMITS_INIT { TRUE }
# define roost_part_data_parse(pool, part, limits, hdr) \
	message_part_data_parse_from_header(pool, part, hdr)
# define roost_envelope_parse(pool, envelope, limits, hdr) \
	message_part_envelope_parse_from_header(pool, envelope, hdr)
#endif

/* Create an input stream.  Where core asks for hidden inputs, there are none: a
   stream of Roost reads from its parent alone. */
#ifdef ROOST_HAVE_HIDDEN_INPUTS
# define roost_istream_init(stream, parent, fd) \
	i_stream_create(stream, parent, fd, ISTREAM_HIDDEN_INPUTS_NONE, 0)
#else
# define roost_istream_init(stream, parent, fd) \
	i_stream_create(stream, parent, fd, 0)
#endif

/* Write ENVELOPE and BODYSTRUCTURE for the cache: without 8-bit strings, which
   is the form that every client takes. */
#ifdef ROOST_HAVE_QUOTE_FLAGS
# define roost_envelope_write(envelope, str) \
	imap_envelope_write(envelope, str, 0)
# define roost_bodystructure_write(parts, str, error_r) \
	imap_bodystructure_write(parts, str, TRUE, 0, error_r)
#else
# define roost_envelope_write(envelope, str) \
	imap_envelope_write(envelope, str)
# define roost_bodystructure_write(parts, str, error_r) \
	imap_bodystructure_write(parts, str, TRUE, error_r)
#endif

/* Parameters of get_binary_stream() that tell the properties of the decoded
   part, and the arguments by which a hook hands them on. */
#ifdef ROOST_HAVE_BINARY_PROPERTIES
# define ROOST_BINARY_PARAMS struct mail_binary_properties *props_r
# define ROOST_BINARY_ARGS props_r
#else
# define ROOST_BINARY_PARAMS \
	uoff_t *size_r, unsigned int *lines_r, bool *binary_r
# define ROOST_BINARY_ARGS size_r, lines_r, binary_r
#endif

/* Repair an mdbox storage that is known to need it. */
#ifdef ROOST_HAVE_REBUILD_REASON
# define roost_mdbox_rebuild(storage) \
	mdbox_storage_rebuild(storage, NULL, MDBOX_REBUILD_REASON_CORRUPTED)
#else
# define roost_mdbox_rebuild(storage) mdbox_storage_rebuild(storage)
#endif

/* The sent date, cut to the 32 bits of it that Dovecot keeps. */
#ifdef ROOST_HAVE_TIME_TRUNC
# define roost_sent_date(date) ((time_t)time_to_uint32_trunc(date))
#else
# define roost_sent_date(date) ((time_t)(uint32_t)(date))
#endif

#endif
