# The index beside hnswlib, usearch and faiss: `make bench-search [N=100000]`; a million takes most of an hour, so
# `nohup make bench-search N=1000000 OUT=search-1m.txt &`. Ten million of ours alone: `make bench-search-10m` (6 GB of disk under $TMPDIR).
$(B)/bench/bench_search: bench/bench_search.c tests/recall/data.h tests/recall/measure.h $(B)/vector.a $(B)/base.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) $(LDFLAGS_V) -Itests/recall -o $@ $< $(B)/vector.a $(B)/base.a $(LIBS)

build/venv-bench/done: bench/requirements.txt
	python3 -m venv build/venv-bench
	build/venv-bench/bin/pip install -q -r $<
	@touch $@

.PHONY: bench-search bench-search-10m
bench-search: $(B)/bench/bench_search build/venv-bench/done ## the index beside hnswlib, usearch and faiss (N=100000; OUT=FILE for the table)
	@build/venv-bench/bin/python bench/search_peers.py --bench $< --rows $(or $(N),100000) $(if $(OUT),--out $(OUT))

bench-search-10m: $(B)/bench/bench_search build/venv-bench/done ## the index alone at ten million
	@build/venv-bench/bin/python bench/search_peers.py --bench $< --rows 10000000 --alone $(if $(OUT),--out $(OUT))
