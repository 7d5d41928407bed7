# Our Milvus client beside pymilvus on one 2.3.5 server: `make bench-milvus [ROWS=20000] [ROUNDS=3]`, some minutes.
$(B)/bench/bench_milvus: bench/bench_milvus.c $(LAYER_LIBS)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) $(LDFLAGS_V) -o $@ $< $(LAYER_LIBS) $(LIBS)

build/venv-pymilvus/done: bench/milvus-requirements.txt
	python3 -m venv build/venv-pymilvus
	build/venv-pymilvus/bin/pip install -q -r $<
	@touch $@

.PHONY: bench-milvus
bench-milvus: $(B)/bench/bench_milvus build/venv-pymilvus/done ## our Milvus client beside pymilvus: writing and searching, on one server in one run
	@tools/milvus/serve 2.3.5 -- build/venv-pymilvus/bin/python bench/milvus_peers.py --bench $< --rows $(or $(ROWS),20000) --rounds $(or $(ROUNDS),3)
