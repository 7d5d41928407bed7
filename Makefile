# eyeshine: `make demo` and `make test` are all a newcomer needs; `make help` lists the rest.
#
# One archive a folder (build/<variant>/base.a ...), so that a unit test links only the layers its folder may
# know: a forbidden call does not link. VARIANT=release|asan|tsan picks the build.

VARIANT ?= release
CC      ?= gcc
B       := build/$(VARIANT)
PREFIX  ?= /usr/local
VERSION := 0.1.0

# Order matters to the linker: upper layers first.
LAYERS   := engine store clip vector tensor image base
LIB_PKGS := libjpeg libpng libwebp libwebpdemux libtiff-4 libheif libexif sqlite3 jansson libutf8proc libseccomp zlib nettle

WARN   := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla -Werror
COMMON := -std=c11 -D_GNU_SOURCE -Iinclude -Isrc -fvisibility=hidden -fPIC -pthread -g $(WARN) -MMD -MP \
          -include src/base/banned.h -DEYESHINE_VERSION='"$(VERSION)"' -DEYESHINE_PREFIX='"$(PREFIX)"'
HARDEN := -fstack-protector-strong -fstack-clash-protection -D_FORTIFY_SOURCE=2
LDHARD := -pie -Wl,-z,relro,-z,now

ifeq ($(VARIANT),release)
  CFLAGS_V := -O2 $(HARDEN)
  LDFLAGS_V := $(LDHARD)
else ifeq ($(VARIANT),asan)
  CFLAGS_V := -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
  LDFLAGS_V := -fsanitize=address,undefined
else ifeq ($(VARIANT),tsan)
  CFLAGS_V := -O1 -fno-omit-frame-pointer -fsanitize=thread
  LDFLAGS_V := -fsanitize=thread
else
  $(error VARIANT is release, asan or tsan, not '$(VARIANT)')
endif

CFLAGS_ALL = $(COMMON) $(CFLAGS_V) $(CFLAGS)
PKG_CFLAGS := $(shell pkg-config --cflags $(LIB_PKGS) 2>/dev/null)
PKG_LIBS   := $(shell pkg-config --libs $(LIB_PKGS) 2>/dev/null)
LIBS       := $(PKG_LIBS) -lgif -lm -pthread

.DEFAULT_GOAL := all
.PHONY: all
all: build/eyeshine

src_of = $(wildcard src/$(1)/*.c)
obj_of = $(patsubst src/%.c,$(B)/%.o,$(call src_of,$(1)))

$(B)/%.o: src/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) $(PKG_CFLAGS) -c $< -o $@

define layer_rule
$(B)/$(1).a: $(call obj_of,$(1))
	@mkdir -p $$(@D)
	@rm -f $$@
	ar rcs $$@ $$^
endef
$(foreach l,$(LAYERS) cli,$(eval $(call layer_rule,$(l))))

LAYER_LIBS := $(LAYERS:%=$(B)/%.a)

$(B)/eyeshine: $(B)/cli.a $(LAYER_LIBS)
	$(CC) $(CFLAGS_ALL) $(LDFLAGS_V) -o $@ -Wl,--whole-archive $(B)/cli.a -Wl,--no-whole-archive $(LAYER_LIBS) $(LIBS)

build/eyeshine: build/release/eyeshine
	ln -sf release/eyeshine $@

# ---- unit tests: tests/unit/<folder>/test_<file>.c, linked with what the folder may know ----
KNOWS_base   :=
KNOWS_image  := base
KNOWS_tensor := base
KNOWS_vector := base
KNOWS_clip   := tensor image base
KNOWS_store  := vector base
KNOWS_engine := store clip vector tensor image base
KNOWS_cli    := engine store clip vector tensor image base
TESTED := base image tensor vector clip store engine cli

define unit_rule
$(B)/tests/$(1)/%: tests/unit/$(1)/%.c $(wildcard tests/unit/*.h tests/unit/$(1)/*.h) $(B)/$(1).a $(KNOWS_$(1):%=$(B)/%.a)
	@mkdir -p $$(@D)
	$$(CC) $$(CFLAGS_ALL) $$(PKG_CFLAGS) -Itests/unit $$(LDFLAGS_V) -o $$@ $$< $(B)/$(1).a $(KNOWS_$(1):%=$(B)/%.a) $$(LIBS) -lcmocka
UNIT_$(1) := $(patsubst tests/unit/$(1)/%.c,$(B)/tests/$(1)/%,$(wildcard tests/unit/$(1)/test_*.c))
.PHONY: unit-$(1)
unit-$(1): $$(UNIT_$(1))
	@for t in $$(UNIT_$(1)); do echo "# $$$$t"; $$$$t || exit 1; done
endef
$(foreach l,$(TESTED),$(eval $(call unit_rule,$(l))))

-include $(shell find build -name '*.d' 2>/dev/null)

include $(wildcard mk/*.mk)
