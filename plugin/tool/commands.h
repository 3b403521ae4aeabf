/* SPDX-License-Identifier: MIT */
#ifndef ROOST_TOOL_COMMANDS_H
#define ROOST_TOOL_COMMANDS_H

/*
 * commands: what `roost` can be told to do.  Each command has a file of its
 * name; main.c reads the command line and calls it.
 */

#include "tool/options.h"
#include "tool/say.h"

enum roost_status roost_cat_command(const struct roost_options *options);
enum roost_status roost_extract_command(const struct roost_options *options);
enum roost_status roost_verify_command(const struct roost_options *options);
enum roost_status
roost_keyring_show_command(const struct roost_options *options);
enum roost_status
roost_check_backup_command(const struct roost_options *options);
enum roost_status roost_keygen_command(const struct roost_options *options);

#endif
