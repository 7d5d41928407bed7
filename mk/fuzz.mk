# Fuzzing: each fuzz/fuzz_NAME.c is a libFuzzer target (clang), and with replay_main.c a plain program that feeds the
# committed corpus to the asan build. What a fuzzer finds goes to fuzz/corpus/NAME/, fixed or not.

FUZZ_NAMES   := $(patsubst fuzz/fuzz_%.c,%,$(wildcard fuzz/fuzz_*.c))
FUZZ_ONLY    ?= $(FUZZ_NAMES)
FUZZ_SECONDS ?= 60
FUZZ_CLANG   ?= clang-14
FUZZ_LAYERS  := http clip tensor image archive object ask base
FUZZ_CFLAGS   = $(COMMON) -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
# Of the engine only what reads text by itself: all of it would take the store and the rest along.
FUZZ_SOURCES := $(foreach l,$(FUZZ_LAYERS) vector,$(wildcard src/$(l)/*.c)) src/engine/export_read.c \
                $(addprefix src/store/milvus_,reply.c rows.c url.c)
FUZZ_OBJS    := $(patsubst src/%.c,build/fuzz/%.o,$(FUZZ_SOURCES)) $(GEN_store:build/%.c=build/fuzz/%.o)
FUZZ_ASAN    := build/asan/engine/export_read.o build/asan/store.a $(FUZZ_LAYERS:%=build/asan/%.a) build/asan/vector.a build/asan/base.a
FUZZ_ENV     := LSAN_OPTIONS=suppressions=fuzz/lsan.supp:print_suppressions=0
# Seeds beside fuzz/corpus/NAME: every picture we have goldens for.
FUZZ_SEEDS_image := tests/golden/pixels

build/fuzz/%.o: src/%.c
	@mkdir -p $(@D)
	$(call say,FUZZ,$@)
	$(Q)$(FUZZ_CLANG) $(FUZZ_CFLAGS) -fsanitize=fuzzer-no-link $(PKG_CFLAGS) -c $< -o $@
build/fuzz/gen/%.o: build/gen/%.c
	@mkdir -p $(@D)
	$(call say,FUZZ,$@)
	$(Q)$(FUZZ_CLANG) $(FUZZ_CFLAGS) -fsanitize=fuzzer-no-link -c $< -o $@
$(patsubst src/%.c,build/fuzz/%.o,$(wildcard src/store/*.c)): | $(GEN_store:.c=.h)
# The kernels see no foreign bytes, and instrumenting them keeps clang 14 busy for ten minutes and more.
build/fuzz/tensor/%.o: src/tensor/%.c
	@mkdir -p $(@D)
	$(call say,FUZZ,$@)
	$(Q)$(FUZZ_CLANG) $(COMMON) -O1 -g -c $< -o $@

build/fuzz/fuzz_%: fuzz/fuzz_%.c fuzz/fuzz.h $(FUZZ_OBJS)
	$(call say,FUZZ,$@)
	$(Q)$(FUZZ_CLANG) $(FUZZ_CFLAGS) -fsanitize=fuzzer -Ifuzz -o $@ $< $(FUZZ_OBJS) $(PROGRAM_LIBS)
.SECONDARY: $(FUZZ_OBJS)

fuzz-install:
	@tools/house/install build fuzz

fuzz: fuzz-install $(FUZZ_ONLY:%=build/fuzz/fuzz_%) ## fuzz each parser for a minute (FUZZ_SECONDS, FUZZ_ONLY=image)
	@for t in $(FUZZ_ONLY); do mkdir -p build/fuzz/corpus/$$t build/fuzz/found; \
	  case $$t in image) seeds="$(FUZZ_SEEDS_image)";; *) seeds=;; esac; echo "# $$t"; \
	  $(FUZZ_ENV) build/fuzz/fuzz_$$t -max_total_time=$(FUZZ_SECONDS) -max_len=65536 -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 \
	    -artifact_prefix=build/fuzz/found/$$t- build/fuzz/corpus/$$t fuzz/corpus/$$t $$seeds >build/fuzz/$$t.log 2>&1 \
	    || { tail -n 30 build/fuzz/$$t.log; exit 1; }; \
	  grep -E '^(stat::number_of|Done|#[0-9]+.DONE)' build/fuzz/$$t.log; done

# ---- replay: the asan build of the targets over the corpus ----
FUZZ_REPLAYS := $(FUZZ_NAMES:%=build/asan/fuzz/%)
build/asan/fuzz/%: fuzz/fuzz_%.c fuzz/replay_main.c fuzz/fuzz.h $(FUZZ_ASAN)
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(CFLAGS_ALL) $(QUICK) -Ifuzz $(LDFLAGS_V) -o $@ $< fuzz/replay_main.c $(FUZZ_ASAN) $(PROGRAM_LIBS)

.PHONY: fuzz fuzz-install fuzz-replay fuzz-replays-built
ifeq ($(VARIANT),asan)
fuzz-replays-built: $(FUZZ_REPLAYS)
tests-of-variant: fuzz-replays-built
endif
EXTRA_TESTS += $(foreach t,$(FUZZ_NAMES),"fuzz/$(t)=$(FUZZ_ENV) build/asan/fuzz/$(t) fuzz/corpus/$(t) $(FUZZ_SEEDS_$(t))")

fuzz-replay: ## feed the fuzzers' corpus to the asan build
	@$(MAKE) --no-print-directory VARIANT=asan fuzz-replays-built
	@tools/house/run-tests $(foreach t,$(FUZZ_NAMES),"fuzz/$(t)=$(FUZZ_ENV) build/asan/fuzz/$(t) fuzz/corpus/$(t) $(FUZZ_SEEDS_$(t))")
