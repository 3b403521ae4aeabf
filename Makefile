# SPDX-License-Identifier: MIT
#
# Every target; `make help` lists them.  GNU make, no configure: directories
# come from Dovecot's own dovecot-config, features from compile probes.

CC ?= cc
PYTHON ?= /usr/bin/python3
BUILD ?= build
DESTDIR ?=
WERROR ?= -Werror
SANITIZE ?=

# What core and plugins are compiled with.
OPT ?= -O2 -g
WARN := -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow \
	-Wstrict-prototypes -Wmissing-prototypes -Wvla -Wswitch-enum \
	-Wformat=2 -Wcast-qual -Wundef $(WERROR)
HARDEN := -fstack-protector-strong -fPIC -fvisibility=hidden
ifeq ($(SANITIZE),)
HARDEN += -D_FORTIFY_SOURCE=2
endif
SAN_FLAGS := $(if $(SANITIZE),-fsanitize=$(SANITIZE) \
	-fno-omit-frame-pointer -fno-sanitize-recover=undefined)
CORE_CFLAGS := -std=c11 $(OPT) $(WARN) $(HARDEN) $(SAN_FLAGS) -Iinclude \
	$(CFLAGS)
CRYPTO_LIBS := -lsodium -lcrypto

# Dovecot, where it is installed: DOVECOT_CONFIG may name another one.
DOVECOT_CONFIG ?= $(firstword $(wildcard /usr/lib/dovecot/dovecot-config \
	/usr/lib64/dovecot/dovecot-config \
	/usr/local/lib/dovecot/dovecot-config))
dovecot_var = $(shell sed -n 's/^$(1)=//p' $(DOVECOT_CONFIG) | tr -d '"'"'")
ifneq ($(DOVECOT_CONFIG),)
DOVECOT_INCLUDE ?= $(call dovecot_var,dovecot_pkgincludedir)
DOVECOT_LIBDIR ?= $(call dovecot_var,dovecot_pkglibdir)
MODULEDIR ?= $(call dovecot_var,dovecot_moduledir)
endif
DOCDIR ?= /usr/share/doc/roost

CORE_SRC := $(wildcard plugin/core/*.c)
CORE_OBJ := $(CORE_SRC:plugin/%.c=$(BUILD)/%.o)
CORE_LIB := $(BUILD)/libroost-core.a

GLUE_CFLAGS := -std=gnu11 $(OPT) -Wall -Wextra -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wvla -Wformat=2 -Wcast-qual -Wundef $(WERROR) \
	$(HARDEN) $(SAN_FLAGS) -DHAVE_CONFIG_H -Iinclude -Iplugin/dovecot \
	-Iplugin/mail -I$(BUILD) -isystem $(DOVECOT_INCLUDE) $(CFLAGS)
GLUE_LDFLAGS := -shared -Wl,-z,relro,-z,now $(SAN_FLAGS) $(LDFLAGS)
DEFS_LDFLAGS := $(if $(SANITIZE),,-Wl,-z,defs) -L$(DOVECOT_LIBDIR) \
	-Wl,-rpath-link,$(DOVECOT_LIBDIR)

SHARED_SRC := $(wildcard plugin/dovecot/*.c)
MAIL_SRC := $(wildcard plugin/mail/*.c)
DOVEADM_SRC := $(wildcard plugin/doveadm/*.c)
glue_obj = $(patsubst plugin/%.c,$(BUILD)/%.o,$(1))

MAIL_SO := $(BUILD)/lib13_roost_plugin.so
DOVEADM_SO := $(BUILD)/doveadm/lib13_doveadm_roost_plugin.so
SETTINGS_SO := $(BUILD)/settings/libroost_settings.so
PROBES := $(BUILD)/roost-probes.h
# Only where settings are a module of their own.
HAS_SETTINGS_MODULE = $(shell grep -s 'ROOST_HAVE_SETTINGS_FRAMEWORK 1' \
	$(PROBES))

.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: all core

## all              build the plugins (the default)
all: $(MAIL_SO) $(DOVEADM_SO) $(BUILD)/.settings

## core             build the core alone; needs no Dovecot
core: $(CORE_LIB)

$(CORE_LIB): $(CORE_OBJ)
	$(AR) rcs $@.new $^
	mv $@.new $@

$(BUILD)/core/%.o: plugin/core/%.c
	@mkdir -p $(@D)
	$(CC) $(CORE_CFLAGS) -MMD -MP -c -o $@ $<

# -- the plugins --

$(PROBES): plugin/dovecot/probes Makefile
	@mkdir -p $(@D)
	$(if $(DOVECOT_CONFIG),,$(error dovecot-config not found: install \
		dovecot-dev, or set DOVECOT_CONFIG))
	CC='$(CC)' sh plugin/dovecot/probes $(DOVECOT_INCLUDE) > $@.new
	mv $@.new $@

define glue_rule
$(BUILD)/$(1)/%.o: plugin/$(1)/%.c $(PROBES)
	@mkdir -p $$(@D)
	$(CC) $(GLUE_CFLAGS) -MMD -MP -c -o $$@ $$<
endef
$(foreach dir,dovecot mail doveadm settings,$(eval $(call glue_rule,$(dir))))

$(MAIL_SO): $(call glue_obj,$(MAIL_SRC) $(SHARED_SRC)) $(CORE_LIB)
	$(CC) $(GLUE_LDFLAGS) $(DEFS_LDFLAGS) -o $@ $^ \
		-ldovecot-storage -ldovecot $(CRYPTO_LIBS)

# The commands reach the mail plugin through symbols of its own copy of the
# shared code: nothing is exported between modules.
$(DOVEADM_SO): $(call glue_obj,$(DOVEADM_SRC) $(SHARED_SRC) \
		$(filter-out %/plugin.c,$(MAIL_SRC))) $(CORE_LIB)
	@mkdir -p $(@D)
	$(CC) $(GLUE_LDFLAGS) -o $@ $^ $(CRYPTO_LIBS)

$(SETTINGS_SO): $(BUILD)/settings/settings-module.o \
		$(BUILD)/dovecot/settings-24.o
	@mkdir -p $(@D)
	$(CC) $(GLUE_LDFLAGS) -o $@ $^

$(BUILD)/.settings: $(PROBES)
	$(if $(HAS_SETTINGS_MODULE),$(MAKE) $(SETTINGS_SO))
	@touch $@

-include $(wildcard $(BUILD)/*/*.d)
