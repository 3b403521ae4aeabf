# SPDX-License-Identifier: MIT
#
# Every target; `make help` lists them.  GNU make, no configure: directories
# come from Dovecot's own dovecot-config, features from compile probes.

CC ?= cc
PYTHON ?= /usr/bin/python3
BUILD ?= build
DESTDIR ?=
VERSION := $(shell cat VERSION)
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
# Files and inodes beyond 32 bits, also where a long has no more.
CORE_CFLAGS := -std=c11 -D_FILE_OFFSET_BITS=64 $(OPT) $(WARN) $(HARDEN) $(SAN_FLAGS) -Iinclude \
	-Iplugin $(CFLAGS)
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
PREFIX ?= /usr
BINDIR ?= $(PREFIX)/bin
DATADIR ?= $(PREFIX)/share/dovecot
SYSTEMDIR ?= $(PREFIX)/lib
DOCDIR ?= $(PREFIX)/share/doc/roost
MANDIR ?= $(PREFIX)/share/man
PAGES := $(notdir $(wildcard packaging/man/*.[1-8]))
man_path = $(MANDIR)/man$(subst .,,$(suffix $(1)))/$(1)
PANELS = $(DOCDIR)/packaging/panels

# What is missing is named at once, and not by the compiler one after another.
ifneq ($(filter all install,$(or $(MAKECMDGOALS),all)),)
MISSING := $(shell CC='$(CC)' AR='$(AR)' CFLAGS='$(CFLAGS)' \
	DOVECOT_CONFIG='$(DOVECOT_CONFIG)' packaging/build-deps missing)
$(if $(MISSING),$(error building needs what is not there: \
	$(strip $(MISSING)); as \
	root, packaging/build-deps build installs it on Debian; \
	DOVECOT_CONFIG names the dovecot-config of another Dovecot))
endif

# The rooms of plugin/ and who may know whom: tests/shape/rooms.md.
room_src = $(foreach room,$(1),$(wildcard plugin/$(room)/*.c))
objects = $(patsubst plugin/%.c,$(BUILD)/%.o,$(1))
CORE_SRC := $(call room_src,core)
CORE_LIB := $(BUILD)/libroost-core.a
RULES_SRC := $(call room_src,rules)
RULES_LIB := $(BUILD)/libroost-rules.a
TOOL_SRC := $(call room_src,tool)

GLUE_CFLAGS := -std=gnu11 $(OPT) -Wall -Wextra -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wvla -Wformat=2 -Wcast-qual -Wundef $(WERROR) \
	$(HARDEN) $(SAN_FLAGS) -DHAVE_CONFIG_H -Iinclude -Iplugin -I$(BUILD) \
	-isystem $(DOVECOT_INCLUDE) $(CFLAGS)
GLUE_LDFLAGS := -shared -Wl,-z,relro,-z,now $(SAN_FLAGS) $(LDFLAGS)
DEFS_LDFLAGS := $(if $(SANITIZE),,-Wl,-z,defs) -L$(DOVECOT_LIBDIR) \
	-Wl,-rpath-link,$(DOVECOT_LIBDIR)

# What each module is made of, besides the core and the rules.
CONFIG_SRC := $(wildcard plugin/settings/config*.c \
	plugin/settings/keydict*.c)
FLAGS_CONFIG_SRC := $(wildcard plugin/settings/flags*.c)
BOTH_CONFIG_SRC := $(addprefix plugin/settings/,default.c info.c \
	plugin-section.c)
SEAM_SRC := $(filter-out %/openssl-module.c,$(call room_src,dovecot))
MAIL_SRC := $(call room_src,mail cache keywords session keyfile stream) \
	$(SEAM_SRC) \
	$(CONFIG_SRC) $(BOTH_CONFIG_SRC)
FLAGS_SRC := $(call room_src,flags) $(FLAGS_CONFIG_SRC) \
	$(BOTH_CONFIG_SRC) $(addprefix plugin/dovecot/,event.c ostream-watch.c)
DOVEADM_SRC := $(call room_src,doveadm rewrite session keyfile stream) \
	$(SEAM_SRC) \
	$(CONFIG_SRC) $(FLAGS_CONFIG_SRC) $(BOTH_CONFIG_SRC) \
	plugin/settings/line.c plugin/keywords/name.c

FLAGS_SO := $(BUILD)/lib12_roost_flags_plugin.so
MAIL_SO := $(BUILD)/lib13_roost_plugin.so
DOVEADM_SO := $(BUILD)/doveadm/lib13_doveadm_roost_plugin.so
OPENSSL_SO := $(BUILD)/libroost_openssl.so
SETTINGS_SO := $(BUILD)/settings/libroost_settings.so
TOOL := $(BUILD)/roost
PROBES := $(BUILD)/roost-probes.h
# Only where settings are a module of their own.
HAS_SETTINGS_MODULE = $(shell grep -s 'ROOST_HAVE_SETTINGS_FRAMEWORK 1' \
	$(PROBES))

.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: all core tool
MAKEFLAGS += --no-print-directory

# $(call quiet,WORD) COMMAND: what is made, in one line, instead of the command;
# V=1 shows the command, and so does a command that fails.
V ?=
is_silent = $(findstring s,$(firstword -$(MAKEFLAGS)))
made = $(if $(filter %.o,$@),$(<:plugin/%=%),$(@:$(BUILD)/%=%))
quiet = $(if $(V),,@$(if $(is_silent),,printf '  %-4s %s\n' $(1) $(made);) \
	quietly() { "$$@" || { status=$$?; echo "$$*" >&2; \
	return $$status; }; }; quietly)

## all              build the plugins and the program roost (the default)
all: $(FLAGS_SO) $(MAIL_SO) $(OPENSSL_SO) $(DOVEADM_SO) $(BUILD)/.settings \
	$(TOOL)

## core             build the core alone; needs no Dovecot
core: $(CORE_LIB) $(RULES_LIB)

## tool             build the program roost alone; needs no Dovecot;
##                  LDFLAGS=-static-pie for one that needs no library either
tool: $(TOOL)

$(CORE_LIB): $(call objects,$(CORE_SRC))
$(RULES_LIB): $(call objects,$(RULES_SRC))
$(CORE_LIB) $(RULES_LIB):
	$(call quiet,AR) $(AR) rcs $@.new $^
	@mv $@.new $@

define core_rule
$(BUILD)/$(1)/%.o: plugin/$(1)/%.c
	@mkdir -p $$(@D)
	$$(call quiet,CC) $(CC) $(CORE_CFLAGS) $$(UNPACK_CFLAGS) -MMD -MP \
		-c -o $$@ $$<
endef
$(foreach room,core rules keyfile tool,$(eval $(call core_rule,$(room))))

# -- the program roost --

# Libraries for compression, which it alone uses, and can do without.  The name
# changes when one of their headers comes or goes.
UNPACK_HEADERS := $(wildcard $(addprefix /usr/include/,zlib.h bzlib.h zstd.h \
	lz4.h))
UNPACK_DEFS := $(BUILD)/.unpack-$(subst .h,,$(subst $(eval ) ,-,$(notdir \
	$(UNPACK_HEADERS))))
UNPACK_LIBS := $(UNPACK_DEFS).libs
$(UNPACK_LIBS): $(UNPACK_DEFS)
$(UNPACK_DEFS): plugin/tool/probes
	@mkdir -p $(@D)
	@rm -f $(BUILD)/.unpack-*
	$(call quiet,ASK) env CC='$(CC)' CFLAGS='$(SAN_FLAGS) $(CFLAGS)' \
		LDFLAGS='$(LDFLAGS)' sh plugin/tool/probes $@ $(UNPACK_LIBS)
UNPACK_OBJECTS := $(call objects,$(wildcard plugin/tool/unpack-*.c))
$(UNPACK_OBJECTS): $(UNPACK_DEFS)
$(UNPACK_OBJECTS): UNPACK_CFLAGS = @$(UNPACK_DEFS)

# -- the plugins --

# Whatever changed in Dovecot's headers: their dates may be older than ours.
HEADERS_SUM := $(shell cat $(wildcard $(DOVECOT_INCLUDE)/*.h) /dev/null | \
	cksum | tr ' ' '-')
$(BUILD)/.headers-$(HEADERS_SUM):
	@mkdir -p $(@D)
	@rm -f $(BUILD)/.headers-*
	@touch $@

$(PROBES): plugin/dovecot/probes Makefile $(BUILD)/.headers-$(HEADERS_SUM)
	$(if $(DOVECOT_CONFIG),,$(error dovecot-config not found: install \
		dovecot-dev, or set DOVECOT_CONFIG))
	$(call quiet,ASK) env CC='$(CC)' sh plugin/dovecot/probes \
		$(DOVECOT_INCLUDE) > $@.new
	@mv $@.new $@

define glue_rule
$(BUILD)/$(1)/%.o: plugin/$(1)/%.c $(PROBES)
	@mkdir -p $$(@D)
	$$(call quiet,CC) $(CC) $(GLUE_CFLAGS) -MD -MP -c -o $$@ $$<
endef
GLUE_ROOMS := dovecot settings stream session cache keywords mail flags \
	rewrite doveadm
$(foreach room,$(GLUE_ROOMS),$(eval $(call glue_rule,$(room))))

# Modules are of one build if they were made of the same sources.
SOURCES_SUM := $(shell cat $(sort $(wildcard plugin/*/*.[ch] \
	include/roost/*.h)) | cksum | tr ' ' '-')
$(BUILD)/.sources-$(SOURCES_SUM):
	@mkdir -p $(@D)
	@rm -f $(BUILD)/.sources-*
	@touch $@
$(BUILD)/roost-build.h: $(BUILD)/.sources-$(SOURCES_SUM)
	@echo '#define ROOST_BUILD "$(SOURCES_SUM)"' > $@
$(addprefix $(BUILD)/,session/user-share.o dovecot/openssl.o \
	dovecot/openssl-module.o): $(BUILD)/roost-build.h

# Each module says which Roost it is: strings MODULE | grep '^roost '.
$(BUILD)/version.o: VERSION
	@mkdir -p $(@D)
	@echo 'extern const char roost_version[];' \
		'__attribute__((used)) const char roost_version[] =' \
		'"roost $(VERSION)";' > $(@:.o=.c)
	$(call quiet,CC) $(CC) $(HARDEN) $(SAN_FLAGS) $(CFLAGS) -c -o $@ \
		$(@:.o=.c)
$(FLAGS_SO) $(MAIL_SO) $(OPENSSL_SO) $(DOVEADM_SO) $(SETTINGS_SO) $(TOOL): \
	$(BUILD)/version.o

$(TOOL): $(call objects,$(TOOL_SRC)) $(CORE_LIB) | $(UNPACK_LIBS)
	$(call quiet,LD) $(CC) -Wl,-z,relro,-z,now $(SAN_FLAGS) $(LDFLAGS) -o $@ \
		$^ @$(UNPACK_LIBS) $(CRYPTO_LIBS)

# No key, no library of cryptography: nothing of the core.
$(FLAGS_SO): $(call objects,$(FLAGS_SRC)) $(RULES_LIB)
	$(call quiet,LD) $(CC) $(GLUE_LDFLAGS) $(DEFS_LDFLAGS) -o $@ $^ \
		-ldovecot-storage -ldovecot

$(MAIL_SO): $(call objects,$(MAIL_SRC)) $(CORE_LIB) $(RULES_LIB)
	$(call quiet,LD) $(CC) $(GLUE_LDFLAGS) $(DEFS_LDFLAGS) -o $@ $^ \
		-ldovecot-storage -ldovecot -lsodium

# What needs OpenSSL, which the others map when there is much to do.
$(OPENSSL_SO): $(BUILD)/dovecot/openssl-module.o $(CORE_LIB)
	$(call quiet,LD) $(CC) $(GLUE_LDFLAGS) $(if $(SANITIZE),,-Wl,-z,defs) -o $@ \
		$^ $(CRYPTO_LIBS)

# The commands have their own copy of the code that they share with the mail
# plugin, of which they use one symbol, to find a user's state there.
$(DOVEADM_SO): $(call objects,$(DOVEADM_SRC)) $(CORE_LIB) $(RULES_LIB)
	@mkdir -p $(@D)
	$(call quiet,LD) $(CC) $(GLUE_LDFLAGS) -o $@ $^ -lsodium

$(SETTINGS_SO): $(addprefix $(BUILD)/settings/,module.o config-24.o \
		flags-24.o keydict-24.o default.o info.o)
	@mkdir -p $(@D)
	$(call quiet,LD) $(CC) $(GLUE_LDFLAGS) -o $@ $^

$(BUILD)/.settings: $(PROBES) $(wildcard plugin/settings/*)
	$(if $(HAS_SETTINGS_MODULE),@$(MAKE) $(SETTINGS_SO))
	@touch $@

# -- tests of the core: no Dovecot --

TEST_CFLAGS := $(CORE_CFLAGS) -Itests/core
TEST_LIBS = $(CORE_LIB) $(RULES_LIB) $(CRYPTO_LIBS)
CORE_TESTS := $(patsubst tests/core/%.c,$(BUILD)/tests/core/%,\
	$(wildcard tests/core/test_*.c))
VECTOR_TESTS := $(addprefix $(BUILD)/tests/vectors/,run agree primitives \
	hpke_openssl)
GLUE_TESTS := $(patsubst tests/glue/%.c,$(BUILD)/tests/glue/%,\
	$(wildcard tests/glue/test_*.c))
MUTATE := $(BUILD)/tests/fuzz/mutate

$(BUILD)/tests/core/%: tests/core/%.c tests/core/kit.c tests/core/kit.h \
		$(CORE_LIB) $(RULES_LIB)
	@mkdir -p $(@D)
	$(call quiet,TEST) $(CC) $(TEST_CFLAGS) -o $@ $< tests/core/kit.c $(TEST_LIBS) -lcmocka

$(BUILD)/tests/core/test_keyfile: $(wildcard plugin/keyfile/*)
$(addprefix $(BUILD)/tests/core/,test_dbox test_index test_say \
	test_uidlist test_unpack): \
	$(wildcard plugin/tool/*)
$(addprefix $(BUILD)/fuzz/,fuzz_dbox fuzz_index fuzz_uidlist fuzz_unpack): \
	$(wildcard plugin/tool/*)
$(BUILD)/tests/core/test_unpack $(BUILD)/fuzz/fuzz_unpack: $(UNPACK_LIBS)
$(BUILD)/tests/core/test_unpack: TEST_CFLAGS += @$(UNPACK_DEFS)
$(BUILD)/tests/core/test_unpack: TEST_LIBS += @$(UNPACK_LIBS)
$(BUILD)/fuzz/fuzz_unpack: FUZZ_CFLAGS = @$(UNPACK_DEFS)
$(BUILD)/fuzz/fuzz_unpack: FUZZ_LIBS = @$(UNPACK_LIBS)

$(BUILD)/tests/vectors/%: tests/vectors/%.c tests/vectors/vec.c \
		tests/vectors/vec.h $(CORE_LIB) $(RULES_LIB)
	@mkdir -p $(@D)
	$(call quiet,TEST) $(CC) $(TEST_CFLAGS) -o $@ $< tests/vectors/vec.c $(TEST_LIBS)

$(MUTATE): tests/fuzz/mutate.c tests/core/kit.c tests/core/kit.h \
		$(CORE_LIB) $(RULES_LIB)
	@mkdir -p $(@D)
	$(call quiet,TEST) $(CC) $(TEST_CFLAGS) -o $@ $< tests/core/kit.c $(TEST_LIBS) -lcmocka

# On Dovecot's own kit for tests; what else of the plugin each is made of.
REPORT_SRC := $(addprefix plugin/dovecot/,report.c event.c)
$(BUILD)/tests/glue/test_streams: $(call objects,\
	$(call room_src,stream) $(REPORT_SRC) \
	plugin/dovecot/ostream-watch.c)
KEYFILE_SRC := $(call room_src,keyfile)
KEYDICT_SRC := plugin/session/keystore-dict.c plugin/settings/info.c \
	$(wildcard plugin/settings/keydict*.c)
KEYSTORE_SRC := plugin/session/keystore.c plugin/session/keystore-file.c \
	$(KEYDICT_SRC) $(KEYFILE_SRC)
$(BUILD)/tests/glue/test_keystore: $(call objects,plugin/session/keystore.c \
	$(KEYDICT_SRC) $(KEYFILE_SRC))
$(BUILD)/tests/glue/test_keystore_file: plugin/session/keystore-file.c \
	$(KEYFILE_SRC) $(call objects,plugin/session/keystore.c $(KEYDICT_SRC))
$(BUILD)/tests/glue/test_keystore_dict: plugin/session/keystore-dict.c \
	$(call objects,plugin/session/keystore.c \
	plugin/session/keystore-file.c $(KEYFILE_SRC))
$(BUILD)/tests/glue/test_ring: plugin/session/ring.c \
	$(call objects,plugin/session/ring-secret.c \
	plugin/session/unlock-cache.c plugin/session/leaks.c $(KEYSTORE_SRC) \
	$(REPORT_SRC))
$(BUILD)/tests/glue/test_ring_change: plugin/session/ring-change.c \
	plugin/session/ring-rebind.c plugin/session/ring.c \
	plugin/session/ring-secret.c $(call objects,\
	plugin/session/ring-create.c plugin/session/unlock-cache.c \
	plugin/session/leaks.c $(KEYSTORE_SRC) $(REPORT_SRC))
$(BUILD)/tests/glue/test_keyword_index: plugin/keywords/index.c \
	$(call objects,plugin/keywords/index-hash.c plugin/keywords/name.c \
	plugin/rules/name.c)
$(BUILD)/tests/glue/test_ostream_watch: \
	$(call objects,plugin/dovecot/ostream-watch.c)
$(BUILD)/tests/glue/test_scan_file: plugin/session/scan-file.c
$(BUILD)/tests/glue/test_owner: plugin/session/owner.c
$(BUILD)/tests/glue/test_openssl: plugin/dovecot/openssl.c \
	$(call objects,$(REPORT_SRC)) $(BUILD)/roost-build.h | \
	$(OPENSSL_SO)
$(BUILD)/tests/glue/test_event: plugin/dovecot/event.c
$(BUILD)/tests/glue/test_header_lines: plugin/cache/header-lines.c
$(BUILD)/tests/glue/test_content: plugin/cache/content.c \
	$(call objects,plugin/cache/header-lines.c)
$(BUILD)/tests/glue/test_cache_find: plugin/cache/find.c \
	$(call objects,$(addprefix plugin/cache/,content.c fill.c \
	header-lines.c keys.c mail.c store.c))
$(BUILD)/tests/glue/test_user_share: plugin/session/user-share.c \
	$(BUILD)/roost-build.h
$(BUILD)/tests/glue/%: tests/glue/%.c tests/glue/kit.c tests/glue/kit.h \
		$(CORE_LIB) $(PROBES)
	@mkdir -p $(@D)
	$(call quiet,TEST) $(CC) $(GLUE_CFLAGS) -o $@ $< tests/glue/kit.c $(filter %.o,$^) \
		$(CORE_LIB) $(SAN_FLAGS) -L$(DOVECOT_LIBDIR) \
		-Wl,-rpath,$(DOVECOT_LIBDIR) -ldovecot-storage -ldovecot \
		$(CRYPTO_LIBS)

.PHONY: check check-core check-vectors check-glue check-shape check-e2e
.PHONY: check-fast mutate mutate-smoke deps-build deps-demo deps-check

# What a run of the core's tests is wrapped in (valgrind).
RUN ?=

# One line for each step, and one for their sum: see tests/totals.
FAST_STEPS := check-core check-vectors check-glue mutate-smoke check-shape
TOTALS = MAKE='$(MAKE)' $(PYTHON) tests/totals --logs $(BUILD)/check
# Each program under a line that names it, which totals reads; all are run.
each := @status=0; each() { echo "== $$*"; "$$@" || status=1; }

## check            install what is missing, build, run all tests; V=1 shows
##                  compiler command lines here as everywhere
# What is missing may be the Python that runs the steps.
check: deps-check
	+@$(TOTALS) --build all $(FAST_STEPS) check-e2e

## check-fast       all tests that start no server
check-fast:
	+@$(TOTALS) --build all $(FAST_STEPS)

## test             one test of any kind: T=NAME, as in T=blob, T=glue/ring,
##                  T=blob-form-0, T=test_cache.py, T='rooms: each folder';
##                  a name that is none, or several tests', lists what is near
.PHONY: test
T ?=
test:
	+@MAKE='$(MAKE)' BUILD='$(BUILD)' $(PYTHON) tests/one $(if $(T),'$(T)')

## check-core       the core's unit tests; needs no Dovecot
check-core: $(CORE_TESTS)
	$(each); for test in $(CORE_TESTS); do each $(RUN) $$test; done; \
		exit $$status

## check-vectors    vectors, known answers, the second implementation
check-vectors: $(VECTOR_TESTS)
	$(each); \
	each $(RUN) $(BUILD)/tests/vectors/run tests/vectors; \
	each $(RUN) $(BUILD)/tests/vectors/primitives \
		tests/vectors/third-party/*.txt; \
	each $(RUN) $(BUILD)/tests/vectors/hpke_openssl; \
	each $(PYTHON) tests/vectors/check_python.py; \
	each $(PYTHON) tests/vectors/agree.py \
		--helper $(BUILD)/tests/vectors/agree --rounds 40; \
	exit $$status

## vectors          write the vectors anew; the tree must not change by it
.PHONY: vectors
vectors:
	$(PYTHON) tests/vectors/generate.py

## check-glue       streams, keystore, ring, keyword index, on Dovecot's own test kit
check-glue: $(GLUE_TESTS)
	$(each); for test in $(GLUE_TESTS); do each $(RUN) $$test; done; \
		exit $$status

## cover-glue       the same with gcov: branches taken in each file of the glue
.PHONY: cover-glue cover-programs
COVER = BUILD=build-cover OPT='-Og -g' CFLAGS=--coverage LDFLAGS=--coverage \
	WERROR=
cover-programs: $(GLUE_TESTS)
	@$(PYTHON) tests/coverage $(BUILD) $(GLUE_TESTS)
cover-glue:
	@$(MAKE) $(COVER) cover-programs

## mutate           1 000 000 mutated messages, keyrings and blobs: 0 accepted
MUTATE_COUNT ?= 1000000
mutate: $(MUTATE)
	@$(MUTATE) $(MUTATE_COUNT)
mutate-smoke: $(MUTATE)
	@$(MUTATE) 50000

## check-shape      layers, symbols, bans, lengths: rules a machine can keep
check-shape: all
	@BUILD=$(BUILD) tests/shape/check

## check-man        the manual pages through mandoc; check-shape does so, too
.PHONY: check-man
check-man:
	@$(PYTHON) tests/shape/manual.py pages

## check-e2e        end to end against a private Dovecot; E2E=args for pytest
E2E ?=
check-e2e: all
	@BUILD=$(BUILD) $(if $(SANITIZE),$(E2E_ASAN)) tests/e2e/run $(E2E)

## check-mutants    delete each check in turn: a test must fail
.PHONY: check-mutants
check-mutants: all
	tests/mutants/run
	$(PYTHON) tests/mutants/plugin.py

## mutants-random   25 checks drawn at random and deleted: COUNT=, SEED=
.PHONY: mutants-random
COUNT ?= 25
mutants-random:
	$(PYTHON) tests/mutants/draw.py --count $(COUNT) \
		$(if $(SEED),--seed $(SEED))

## check-asan       the tests under ASan and UBSan, the plugins too;
##                  check-asan-core: those that need no Dovecot
.PHONY: check-asan check-asan-core check-valgrind check-matrix
# Leaks are looked for in programs of the tests: Dovecot's processes cannot be
# traced.  The commands and the mail plugin have globals of one name each.
E2E_ASAN = ASAN_OPTIONS=detect_leaks=0:detect_odr_violation=0 \
	UBSAN_OPTIONS=print_stacktrace=1 \
	ROOST_E2E_PRELOAD="$$($(CC) -print-file-name=libasan.so):$$(\
	$(CC) -print-file-name=libubsan.so)"
ASAN = BUILD=build-asan SANITIZE=address,undefined OPT='-O1 -g'
STEPS ?=
.PHONY: steps
steps:
	+@$(TOTALS) $(STEPS)
check-asan:
	@$(MAKE) $(ASAN) steps STEPS='--build deps-check --build all \
		check-core check-vectors check-glue check-e2e'
check-asan-core:
	@$(MAKE) $(ASAN) steps STEPS='check-core check-vectors'

## check-valgrind   the core's tests under valgrind
check-valgrind:
	@ROOST_TEST_QUICK=1 $(MAKE) check-core \
		RUN='valgrind -q --error-exitcode=99 --leak-check=full'

## check-matrix     check in a fresh root of each Debian that is served, and a
##                  table (root, mmdebstrap)
SUITES = bookworm bookworm-backports trixie testing
MATRIX ?= $(SUITES)
check-matrix:
	packaging/matrix $(MATRIX)

## check-install    build the packages and try them, each in a fresh root
##                  (root, mmdebstrap)
.PHONY: check-install
INSTALL ?= $(SUITES)
check-install:
	tests/install/run $(INSTALL)

## check-container  build and run the image of packaging/container (root,
##                  mmdebstrap, buildah)
.PHONY: check-container
check-container: deps-container
	tests/container/run

## fuzz             libFuzzer builds of tests/fuzz into $(BUILD)/fuzz (clang),
##                  and what they begin with into $(BUILD)/corpus
.PHONY: fuzz fuzz-run
FUZZERS := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,\
	$(wildcard tests/fuzz/fuzz_*.c))
fuzz: $(FUZZERS)
	$(PYTHON) tests/fuzz/corpus.py write $(BUILD)/corpus
$(BUILD)/fuzz/%: tests/fuzz/%.c $(CORE_SRC) $(RULES_SRC)
	@mkdir -p $(@D)
	$(call quiet,FUZZ) clang -std=c11 -g -O1 -fsanitize=fuzzer,address,undefined -Iinclude \
		-Iplugin -Itests/core $(FUZZ_CFLAGS) -o $@ $< $(CORE_SRC) \
		$(RULES_SRC) $(FUZZ_LIBS) $(CRYPTO_LIBS)

## fuzz-run         each fuzzer for FUZZ_SECS (60) seconds
FUZZ_SECS ?= 60
fuzz-run: fuzz
	@set -e; for fuzzer in $(FUZZERS); do \
		$$fuzzer -max_total_time=$(FUZZ_SECS) -print_final_stats=1 \
			$(BUILD)/corpus/$$(basename $$fuzzer); done

## bench            plain Dovecot, mail_crypt and Roost side by side; BENCH=args,
##                  as in BENCH=--small or BENCH="--against build/bench/old.json"
.PHONY: bench demo
BENCH ?=
bench: all
	BUILD=$(BUILD) tests/e2e/run -- $(PYTHON) \
		$(CURDIR)/tests/bench/bench.py $(BENCH)

## demo             see it work: deliver, read, look at the disk; KEEP=1 stays
demo: deps-demo
	@$(MAKE) --no-print-directory all
	@BUILD=$(BUILD) tests/e2e/run -- $(PYTHON) \
		$(CURDIR)/tests/e2e/demo.py

deps-build deps-demo deps-check deps-deb deps-rpm deps-container: deps-%:
	@packaging/build-deps $*

## install          into $(DESTDIR), where dovecot-config says
.PHONY: install uninstall clean help
# Each has to be a folder below the root: an empty one would be the root.
below_root = $(if $(filter-out /,$(filter /%,$($(1)))),,$(error $(1) is \
	"$($(1))", and has to be the path of a folder that is not /))
places = $(foreach place,MODULEDIR BINDIR DATADIR SYSTEMDIR DOCDIR MANDIR,\
	$(call below_root,$(place)))
put = install -d $(DESTDIR)$(dir $(2)) && \
	install -m $(3) $(1) $(DESTDIR)$(2).new && \
	mv $(DESTDIR)$(2).new $(DESTDIR)$(2)
CONF = packaging/conf/$(if $(HAS_SETTINGS_MODULE),2.4,2.3)
install: all
	$(places)@:
	$(call put,$(FLAGS_SO),$(MODULEDIR)/$(notdir $(FLAGS_SO)),0644)
	$(call put,$(MAIL_SO),$(MODULEDIR)/$(notdir $(MAIL_SO)),0644)
	$(call put,$(OPENSSL_SO),$(MODULEDIR)/$(notdir $(OPENSSL_SO)),0644)
	$(call put,$(DOVEADM_SO),$(MODULEDIR)/doveadm/$(notdir $(DOVEADM_SO)),0644)
	$(if $(HAS_SETTINGS_MODULE),$(call \
		put,$(SETTINGS_SO),$(MODULEDIR)/settings/$(notdir $(SETTINGS_SO)),0644))
	$(call put,$(CONF)/enable.conf,$(DATADIR)/roost/enable.conf,0644)
	$(call put,$(CONF)/enable-flags.conf,$(DATADIR)/roost/enable-flags.conf,0644)
	$(call put,$(CONF)/enable-metrics.conf,$(DATADIR)/roost/enable-metrics.conf,0644)
	$(call put,packaging/watch/alerts.yml,$(DATADIR)/roost/alerts.yml,0644)
	$(call put,packaging/watch/grafana.json,$(DATADIR)/roost/grafana.json,0644)
	$(call put,$(CONF)/11-roost.conf,$(DATADIR)/conf.d/11-roost.conf,0644)
	$(call put,packaging/format,$(DATADIR)/roost/format,0644)
	$(call put,packaging/system/tmpfiles.conf,$(SYSTEMDIR)/tmpfiles.d/dovecot-roost.conf,0644)
	$(call put,packaging/system/sysusers.conf,$(SYSTEMDIR)/sysusers.d/dovecot-roost.conf,0644)
	$(call put,$(TOOL),$(BINDIR)/roost,0755)
	$(call put,plugin/FORMAT.md,$(DOCDIR)/FORMAT.md,0644)
	$(call put,README.md,$(DOCDIR)/README.md,0644)
	$(call put,packaging/doc/guide.md,$(DOCDIR)/packaging/doc/guide.md,0644)
	$(call put,packaging/doc/threats.md,$(DOCDIR)/packaging/doc/threats.md,0644)
	$(foreach page,$(PAGES),$(call \
		put,packaging/man/$(page),$(call man_path,$(page)),0644) && ):
	$(call put,packaging/panels/README.md,$(PANELS)/README.md,0644)
	$(call put,packaging/panels/roost.php,$(PANELS)/roost.php,0644)
	$(call put,packaging/panels/roost-postpassword,$(PANELS)/roost-postpassword,0755)

## uninstall        take away what install put there
uninstall:
	$(places)@:
	rm -f $(DESTDIR)$(MODULEDIR)/$(notdir $(FLAGS_SO)) \
		$(DESTDIR)$(MODULEDIR)/$(notdir $(MAIL_SO)) \
		$(DESTDIR)$(MODULEDIR)/$(notdir $(OPENSSL_SO)) \
		$(DESTDIR)$(MODULEDIR)/doveadm/$(notdir $(DOVEADM_SO)) \
		$(DESTDIR)$(MODULEDIR)/settings/$(notdir $(SETTINGS_SO)) \
		$(addprefix $(DESTDIR)$(DATADIR)/,roost/enable.conf \
		roost/enable-flags.conf roost/enable-metrics.conf \
		roost/alerts.yml roost/grafana.json roost/format \
		conf.d/11-roost.conf) \
		$(addprefix $(DESTDIR)$(SYSTEMDIR)/,\
		tmpfiles.d/dovecot-roost.conf sysusers.d/dovecot-roost.conf) \
		$(DESTDIR)$(BINDIR)/roost \
		$(DESTDIR)$(DOCDIR)/FORMAT.md $(DESTDIR)$(DOCDIR)/README.md \
		$(addprefix $(DESTDIR)$(DOCDIR)/packaging/doc/,guide.md \
		threats.md) \
		$(foreach page,$(PAGES),$(DESTDIR)$(call man_path,$(page))) \
		$(addprefix $(DESTDIR)$(PANELS)/,README.md roost.php \
		roost-postpassword)

## deb              Debian packages for the Dovecot of this system, into
##                  $(BUILD)/deb; rpm: an RPM package, into $(BUILD)/rpm
.PHONY: deb rpm
deb: deps-deb
	@packaging/make-deb $(BUILD)/deb
rpm: deps-rpm
	@packaging/make-rpm $(BUILD)/rpm

## clean            remove what was built
clean:
	rm -rf build build-asan build-cover $(BUILD)

## help             this list
help:
	@sed -n 's/^## //p' $(MAKEFILE_LIST)

-include $(wildcard $(BUILD)/*/*.d)
