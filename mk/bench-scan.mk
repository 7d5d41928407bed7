# Speed of the exact scan and of the library: `make bench-scan [THREADS=2]`.
$(B)/bench/bench_scan: bench/bench_scan.c $(B)/store.a $(B)/vector.a $(B)/base.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) $(LDFLAGS_V) -o $@ $< $(B)/store.a $(B)/vector.a $(B)/base.a $(LIBS)

.PHONY: bench-scan
bench-scan: $(B)/bench/bench_scan ## speed of the exact scan beside a plain read of memory; loading 100,000 vectors
	$< $(THREADS)
