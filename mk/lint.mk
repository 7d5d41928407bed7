# lint: the rules that machines can watch. Each part is a target of its own.
LINT_C       := $(wildcard include/*.h src/*/*.[ch] src/*/*/*.[ch] tests/unit/*.h tests/unit/*/*.[ch] fuzz/*.[ch] bench/*.[ch])
LINT_TABLES  := $(wildcard src/*/tables/*) # made by tools, not by hand: not to be formatted
LINT_SRC     := $(wildcard src/*/*.c)
LINT_SCRIPTS = $(shell grep -lE '^\#!(/usr/bin/env |/bin/)(ba|da)?sh' .ci/* tools/* tools/*/* deploy/* deploy/*/* 2>/dev/null)
TIDY_FLAGS   := $(filter-out -MMD -MP -Werror,$(COMMON)) $(PKG_CFLAGS)

.PHONY: lint lint-install lint-format lint-check lint-symbols lint-cppcheck lint-tidy lint-shell
lint: lint-install lint-format lint-check lint-shell lint-cppcheck lint-symbols lint-tidy ## format, layers, sizes, symbols, banned calls, cppcheck, clang-tidy, shellcheck
	@echo "lint: clean"

lint-install:
	@tools/house/install build lint

lint-format:
	@clang-format-14 --dry-run -Werror $(filter-out $(LINT_TABLES),$(LINT_C))

lint-check:
	@rc=0; for c in layers sizes banned; do tools/check/$$c || rc=1; done; exit $$rc

lint-symbols: build/release/libeyeshine.so
	@tools/check/symbols $<

lint-shell:
	@shellcheck $(LINT_SCRIPTS)

# readdirCalled recommends readdir_r, which glibc itself advises against. unusedFunction is not asked:
# what a folder offers is used from another. memleak: 2.10 does not see that "*out = (struct x){p}" keeps
# p; the asan tests look for leaks where they happen.
# ctuuninitvar: across files it does not see that an error is written before it is read.
lint-cppcheck:
	@mkdir -p build/cppcheck
	@cppcheck --quiet --std=c11 --error-exitcode=1 --inline-suppr -j2 --cppcheck-build-dir=build/cppcheck \
	  --enable=warning,performance,portability --library=posix --library=gnu -D__CPPCHECK__ \
	  $(filter -D%,$(COMMON)) -Iinclude -Isrc --suppress=missingIncludeSystem --suppress=readdirCalled --suppress=memleak --suppress=ctuuninitvar src

# What clang counts on stderr ("12 warnings generated", in system headers) is of no use to anybody.
lint-tidy: $(GEN_store:.c=.h)
	@mkdir -p build
	@printf '%s\n' $(LINT_SRC) | xargs -P 2 -I '{}' clang-tidy-14 --quiet '{}' -- $(TIDY_FLAGS) 2>build/tidy.log
