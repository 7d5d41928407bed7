# Tests against real servers: `make test-milvus` installs Milvus 2.3.5 and milvus-lite from PyPI (500 MB below build/), starts each on loopback with an empty data
# folder, runs what is named here against it, and stops it. A test reads where the server is from EYESHINE_TEST_STORE (milvus://127.0.0.1:PORT, to which it
# adds a collection name of its own) and which one from EYESHINE_TEST_STORE_KIND (lite, 2.3.5). NAME=COMMAND, as for tools/house/run-tests:
MILVUS_TESTS       +=
# against one kind only, with logins checked over TLS (2.3.5), and tests that start their servers by themselves:
MILVUS_TESTS_lite  +=
MILVUS_TESTS_2.3.5 +=
MILVUS_TESTS_auth  +=
MILVUS_TESTS_own   += proto=tests/milvus/proto.py faults-lite=tests/milvus/faults_lite.sh faults-real=tests/milvus/faults_real.sh

MILVUS_TESTS_auth  += login=build/release/tests/milvus/test_login
# tests/milvus/test_NAME.c are cmocka programs of the store and what is below it.
MILVUS_C := $(patsubst tests/milvus/%.c,$(B)/tests/milvus/%,$(wildcard tests/milvus/test_*.c))
MILVUS_TESTS += $(foreach t,$(patsubst tests/milvus/%.c,%,$(filter-out %/test_search.c,$(wildcard tests/milvus/test_*.c))),$(t)=build/release/tests/milvus/$(t))
# 20,000 vectors: lite takes some seconds for each search of them
MILVUS_TESTS_2.3.5 += test_search=build/release/tests/milvus/test_search
$(B)/tests/milvus/%: tests/milvus/%.c $(wildcard tests/milvus/*.h) $(B)/store.a $(B)/vector.a $(B)/base.a
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(CFLAGS_ALL) $(QUICK) $(PKG_CFLAGS) -Itests/unit -Itests/milvus $(LDFLAGS_V) -o $@ $< $(B)/store.a $(B)/vector.a $(B)/base.a $(LIBS) -lcmocka

.PHONY: test-milvus test-milvus-built milvus-install
milvus-install: ## install the servers that make test-milvus uses, below build/ (500 MB)
	@tools/milvus/serve install

test-milvus: ## install what is missing, build, run the tests that need a Milvus server (last line: N passed, N failed)
	@tools/house/install build test
	@$(MAKE) --no-print-directory -j2 all $(MILVUS_NEEDS)
	@$(MAKE) --no-print-directory VARIANT=release -j2 $(MILVUS_C:$(B)/%=build/release/%)
	@tools/milvus/serve install
	@$(MAKE) --no-print-directory test-milvus-built

test-milvus-built:
	@tools/milvus/run-tests \
	  $(foreach t,$(MILVUS_TESTS) $(MILVUS_TESTS_lite),"lite:$(t)") \
	  $(foreach t,$(MILVUS_TESTS) $(MILVUS_TESTS_2.3.5),"2.3.5:$(t)") \
	  $(foreach t,$(MILVUS_TESTS_auth),"auth:$(t)") $(foreach t,$(MILVUS_TESTS_own),"own:$(t)")

# The store's own tests, which `make test` runs on the embedded store: the same programs on a server.
STORE_ON_SERVER := filter filter_trees files pictures roots looks record rows vectors verify
MILVUS_NEEDS    += $(STORE_ON_SERVER:%=build/release/tests/store/test_sqlite_%)
MILVUS_TESTS    += $(foreach t,$(STORE_ON_SERVER),store-$(t)=build/release/tests/store/test_sqlite_$(t))

# Filtered searches: `make bench-milvus-filter [ROWS=20000] [INDEX=HNSW]`.
build/release/bench/bench_milvus_filter: bench/bench_milvus_filter.c tests/milvus/catalogue.h tests/milvus/live.h build/release/store.a build/release/vector.a build/release/base.a
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(CFLAGS_ALL) $(PKG_CFLAGS) -Itests/unit -Itests/milvus $(LDFLAGS_V) -o $@ $< build/release/store.a build/release/vector.a build/release/base.a $(LIBS) -lcmocka

.PHONY: bench-milvus-filter
bench-milvus-filter: build/release/bench/bench_milvus_filter ## filtered searches through Milvus 2.3.5 (ROWS=20000 INDEX=FLAT)
	@tools/milvus/serve 2.3.5 -- $< $(or $(ROWS),20000) $(or $(INDEX),FLAT)
