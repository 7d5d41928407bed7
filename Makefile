# eyeshine: `make demo` and `make test` are all a newcomer needs; `make help` lists the rest.
#
# One archive a folder (build/<variant>/base.a ...), so that a unit test links only the layers its folder may
# know: a forbidden call does not link. VARIANT=release|asan|tsan picks the build.

VARIANT ?= release
ifeq ($(origin CC),default)
CC := gcc
endif
# V=1 shows whole commands.
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-4s %s\n' $(1) $(2))
B       := build/$(VARIANT)
PREFIX  ?= /usr/local
DESTDIR ?=
VERSION := 0.1.0
SOMAJOR := 0

# Order matters to the linker: upper layers first.
LAYERS   := engine ask store clip vector tensor image archive object base
# What only the program has: the server, the client and the page.
PROGRAM  := cli api http
LIB_PKGS := libjpeg libpng libwebp libwebpdemux libtiff-4 libheif libexif sqlite3 jansson libutf8proc libseccomp libarchive zlib nettle \
            libcurl libprotobuf-c expat
PROGRAM_PKGS := libmicrohttpd gnutls

WARN   := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla -Werror
COMMON := -std=c11 -D_GNU_SOURCE -Iinclude -Isrc -Ibuild/gen -fvisibility=hidden -fPIC -pthread $(WARN) -MMD -MP \
          -include src/base/banned.h -DEYESHINE_VERSION='"$(VERSION)"' -DEYESHINE_PREFIX='"$(PREFIX)"'
HARDEN := -fstack-protector-strong -fstack-clash-protection -D_FORTIFY_SOURCE=2
LDHARD := -pie -Wl,-z,relro,-z,now

ifeq ($(VARIANT),release)
  CFLAGS_V := -O2 -g $(HARDEN)
  LDFLAGS_V := $(LDHARD)
else ifeq ($(VARIANT),asan)
  CFLAGS_V := -O1 -g1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
  LDFLAGS_V := -fsanitize=address,undefined
else ifeq ($(VARIANT),tsan)
  CFLAGS_V := -O1 -g1 -fno-omit-frame-pointer -fsanitize=thread
  LDFLAGS_V := -fsanitize=thread
else
  $(error VARIANT is release, asan or tsan, not '$(VARIANT)')
endif

# What a test program itself is made with: it runs once, and takes a third of the time to compile and half of it to link. Half of
# `make test` was that. What it tests is made as above.
QUICK := -O0 -g1 -U_FORTIFY_SOURCE $(if $(shell command -v ld.gold),-fuse-ld=gold)

CFLAGS_ALL = $(COMMON) $(CFLAGS_V) $(CFLAGS)
PKG_CFLAGS := $(shell pkg-config --cflags $(LIB_PKGS) $(PROGRAM_PKGS) 2>/dev/null)
PKG_LIBS   := $(shell pkg-config --libs $(LIB_PKGS) 2>/dev/null)
LIBS       := $(PKG_LIBS) -lgif -lm -pthread
PROGRAM_LIBS := $(shell pkg-config --libs $(PROGRAM_PKGS) 2>/dev/null) $(LIBS)

.DEFAULT_GOAL := all
.PHONY: all
all: have-packages build/eyeshine build/libeyeshine.a build/libeyeshine.so build/eyeshine.pc ## build the program and the library

src_of = $(wildcard src/$(1)/*.c)
obj_of = $(patsubst src/%.c,$(B)/%.o,$(call src_of,$(1))) $(GEN_$(1):build/gen/%.c=$(B)/gen/%.o)

$(B)/%.o: src/%.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(CFLAGS_ALL) $(PKG_CFLAGS) -c $< -o $@

# Milvus's messages: C made by protoc-c from our own .proto, into build/gen, never committed.
GEN_store := build/gen/store/milvus.pb-c.c
$(GEN_store) $(GEN_store:.c=.h) &: src/store/milvus.proto
	@mkdir -p build/gen/store
	$(call say,GEN,$(GEN_store))
	$(Q)protoc-c --c_out=build/gen/store -I$(<D) $<
$(B)/gen/%.o: build/gen/%.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(CFLAGS_ALL) $(PKG_CFLAGS) -c $< -o $@
$(patsubst src/%.c,$(B)/%.o,$(wildcard src/store/*.c)): | $(GEN_store:.c=.h)

define layer_rule
$(B)/$(1).a: $(call obj_of,$(1))
	@mkdir -p $$(@D)
	@rm -f $$@
	$(Q)ar rcs $$@ $$^
endef
$(foreach l,$(LAYERS) $(PROGRAM),$(eval $(call layer_rule,$(l))))

LAYER_LIBS := $(LAYERS:%=$(B)/%.a)

$(B)/eyeshine: $(PROGRAM:%=$(B)/%.a) build/web/assets.o $(LAYER_LIBS)
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS_V) -o $@ -Wl,--whole-archive $(B)/cli.a -Wl,--no-whole-archive $(PROGRAM:%=$(B)/%.a) build/web/assets.o \
	  $(LAYER_LIBS) $(PROGRAM_LIBS)

build/eyeshine: build/release/eyeshine
	@ln -sf release/eyeshine $@

.PHONY: have-packages
have-packages:
	@pkg-config --exists $(LIB_PKGS) $(PROGRAM_PKGS) && command -v protoc-c >/dev/null || { echo "libraries are missing; 'make demo' installs them, or run:"; \
	  echo "  sudo apt-get install $$(awk '!/^#/ && $$2 == "build" {printf "%s ", $$1}' tools/house/packages.txt)"; exit 1; }

# ---- the library: only eye_* leaves it ----
build/libeyeshine.a: $(LAYERS:%=build/release/%.a)
	@rm -f $@
	@for a in $^; do (echo "create $@.part"; echo "addlib $$a"; echo save; echo end) | ar -M && mv $@.part $@.$$(basename $$a); done
	@(echo "create $@"; for a in $^; do echo "addlib $@.$$(basename $$a)"; done; echo save; echo end) | ar -M
	@rm -f $@.*

build/release/libeyeshine.so: $(LAYERS:%=build/release/%.a)
	$(call say,LD,$@)
	$(Q)$(CC) -shared -Wl,-soname,libeyeshine.so.$(SOMAJOR) -Wl,-z,relro,-z,now -Wl,--no-undefined \
	  -o $@ -Wl,--whole-archive build/release/engine.a build/release/ask.a -Wl,--no-whole-archive \
	  $(filter-out %/engine.a %/ask.a,$^) $(LIBS)
build/libeyeshine.so: build/release/libeyeshine.so
	@ln -sf release/libeyeshine.so $@
	@ln -sf release/libeyeshine.so build/libeyeshine.so.$(SOMAJOR)

# What holds PREFIX is made again when PREFIX changes.
.PHONY: force
build/prefix: force
	@mkdir -p build
	@echo '$(PREFIX)' | cmp -s - $@ || echo '$(PREFIX)' >$@
$(B)/engine/places.o $(B)/cli/serve.o: build/prefix

build/eyeshine.pc: Makefile build/prefix
	@printf '%s\n' 'prefix=$(PREFIX)' 'libdir=$${prefix}/lib' 'includedir=$${prefix}/include' '' 'Name: eyeshine' \
	  'Description: find any picture by what it shows' 'Version: $(VERSION)' \
	  'Libs: -L$${libdir} -leyeshine' 'Libs.private: $(LIBS)' 'Cflags: -I$${includedir}' >$@

# ---- unit tests: tests/unit/<folder>/test_<file>.c, linked with what the folder may know ----
KNOWS_base   :=
KNOWS_image  := base
KNOWS_tensor := base
KNOWS_vector := base
KNOWS_clip   := tensor image base
KNOWS_store  := vector base
KNOWS_archive := base
KNOWS_object := base
KNOWS_ask    := base
KNOWS_engine := ask store clip vector tensor image archive object base
KNOWS_http   := base
KNOWS_api    := http engine ask store clip vector tensor image archive object base
KNOWS_cli    := api http engine ask store clip vector tensor image archive object base
TESTED := base image archive object tensor vector clip store ask engine http api cli
WEB_api := build/web/assets.o
WEB_cli := build/web/assets.o

define unit_rule
$(B)/tests/$(1)/%: tests/unit/$(1)/%.c $(wildcard tests/unit/*.h tests/unit/$(1)/*.h) $(B)/$(1).a $(KNOWS_$(1):%=$(B)/%.a) $(WEB_$(1))
	@mkdir -p $$(@D)
	$$(call say,CC,$$@)
	$(Q)$$(CC) $$(CFLAGS_ALL) $$(QUICK) $$(PKG_CFLAGS) -Itests/unit $$(LDFLAGS_V) -o $$@ $$< $(B)/$(1).a $(KNOWS_$(1):%=$(B)/%.a) $(WEB_$(1)) $$(PROGRAM_LIBS) -lcmocka
UNIT_$(1) := $(patsubst tests/unit/$(1)/%.c,$(B)/tests/$(1)/%,$(wildcard tests/unit/$(1)/test_*.c))
.PHONY: unit-$(1)
unit-$(1): $$(UNIT_$(1))
	@for t in $$(UNIT_$(1)); do echo "# $$$$t"; $$$$t || exit 1; done
endef
$(foreach l,$(TESTED),$(eval $(call unit_rule,$(l))))

# ---- everything at once ----
VARIANTS_OF_base   := release asan tsan
VARIANTS_OF_image  := release asan tsan
VARIANTS_OF_tensor := release asan tsan
VARIANTS_OF_vector := release asan tsan
VARIANTS_OF_store  := release asan tsan
VARIANTS_OF_clip   := release asan
VARIANTS_OF_ask    := release asan
VARIANTS_OF_engine := release asan tsan
VARIANTS_OF_archive := release asan
VARIANTS_OF_object  := release asan tsan
VARIANTS_OF_http   := release asan tsan
VARIANTS_OF_api    := release asan tsan
VARIANTS_OF_cli    := release asan

.PHONY: test test-built tests-of-variant demo bench fuzz-replay install uninstall clean help
test: ## install what is missing, build, run all tests (last line: N passed, N failed)
	@tools/house/install build test
	@$(MAKE) --no-print-directory -j2 all
	@for v in asan tsan; do $(MAKE) --no-print-directory -j2 VARIANT=$$v tests-of-variant || exit 1; done
	@$(MAKE) --no-print-directory -j2 VARIANT=release tests-of-variant
	@$(MAKE) --no-print-directory -j2 VARIANT=asan build/asan/eyeshine
	@$(MAKE) --no-print-directory test-built

# Nothing for TSan to see that others do not show it: one thread, and pools at most.
ONE_THREAD := $(addprefix engine/test_,catalogue doctor exact filter half import index_make index_plan index_state index_verify \
                keys library mix path restore_hostile scan scan_objects sweep watch_queue zip)
# Of these folders only what has threads, or lends itself to several:
TSAN_OF_store  := milvus_call milvus_http sqlite sqlite_backup
TSAN_OF_image  := decoder
TSAN_OF_vector := index index_search search vector writer
ONE_THREAD += $(foreach l,store image vector,$(filter-out $(TSAN_OF_$(l):%=$(l)/test_%),$(patsubst tests/unit/%.c,%,$(wildcard tests/unit/$(l)/test_*.c))))
not_in = $(if $(filter tsan,$(1)),$(ONE_THREAD:%=$(2)%))

UNIT_HERE = $(filter-out $(call not_in,$(VARIANT),$(B)/tests/),$(foreach l,$(TESTED),$(if $(filter $(VARIANT),$(VARIANTS_OF_$(l))),$(UNIT_$(l)))))
tests-of-variant: $(UNIT_HERE)

unit_names = $(filter-out $(call not_in,$(1)),$(foreach l,$(TESTED),$(if $(filter $(1),$(VARIANTS_OF_$(l))), \
               $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/$(l)/test_*.c)))))
# Long ones first, so that none runs alone at the end while the other processor has nothing to do.
test-built:
	@tools/house/run-tests \
	  $(foreach t,$(filter-out %lib.sh %/install.sh,$(wildcard tests/e2e/*.sh)),e2e/$(notdir $(basename $(t)))=$(t)) $(EXTRA_TESTS) \
	  $(foreach v,asan tsan release,$(foreach t,$(call unit_names,$(v)),$(v)/$(t)=build/$(v)/tests/$(t))) \
	  alone/install=tests/e2e/install.sh

demo: ## install what is missing, build, index the sample pictures, run the sample queries
	@tools/house/install build
	@$(MAKE) --no-print-directory -j2 all
	@tools/house/demo

install: all ## install under PREFIX (default /usr/local), DESTDIR respected
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/pkgconfig $(DESTDIR)$(PREFIX)/include \
	  $(DESTDIR)$(PREFIX)/share/eyeshine/models $(DESTDIR)$(PREFIX)/share/man/man1 \
	  $(DESTDIR)$(PREFIX)/share/bash-completion/completions $(DESTDIR)$(PREFIX)/share/zsh/site-functions
	install -m 755 build/release/eyeshine $(DESTDIR)$(PREFIX)/bin/
	install -m 644 build/libeyeshine.a $(DESTDIR)$(PREFIX)/lib/
	install -m 755 build/release/libeyeshine.so $(DESTDIR)$(PREFIX)/lib/libeyeshine.so.$(VERSION)
	ln -sf libeyeshine.so.$(VERSION) $(DESTDIR)$(PREFIX)/lib/libeyeshine.so.$(SOMAJOR)
	ln -sf libeyeshine.so.$(SOMAJOR) $(DESTDIR)$(PREFIX)/lib/libeyeshine.so
	install -m 644 build/eyeshine.pc $(DESTDIR)$(PREFIX)/lib/pkgconfig/
	install -m 644 $(wildcard include/*.h) $(DESTDIR)$(PREFIX)/include/
	cp -r models/starter $(DESTDIR)$(PREFIX)/share/eyeshine/models/
	cp -r samples $(DESTDIR)$(PREFIX)/share/eyeshine/
	build/eyeshine completion man >$(DESTDIR)$(PREFIX)/share/man/man1/eyeshine.1
	build/eyeshine completion bash >$(DESTDIR)$(PREFIX)/share/bash-completion/completions/eyeshine
	build/eyeshine completion zsh >$(DESTDIR)$(PREFIX)/share/zsh/site-functions/_eyeshine

uninstall: ## remove what install put under PREFIX
	rm -f $(addprefix $(DESTDIR)$(PREFIX)/,bin/eyeshine lib/libeyeshine.a lib/libeyeshine.so lib/libeyeshine.so.$(SOMAJOR) \
	  lib/libeyeshine.so.$(VERSION) lib/pkgconfig/eyeshine.pc $(wildcard include/*.h) share/man/man1/eyeshine.1 \
	  share/bash-completion/completions/eyeshine share/zsh/site-functions/_eyeshine)
	rm -rf $(DESTDIR)$(PREFIX)/share/eyeshine/models/starter $(DESTDIR)$(PREFIX)/share/eyeshine/samples
	-rmdir $(DESTDIR)$(PREFIX)/share/eyeshine/models $(DESTDIR)$(PREFIX)/share/eyeshine

clean: ## remove build/ (the demo library too)
	rm -rf build

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

include $(wildcard mk/*.mk)
-include $(shell find build -name '*.d' -type f 2>/dev/null)
