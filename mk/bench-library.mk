# The index in a library: `make bench-library [PICTURES=1000000]` (3 GB under $TMPDIR for a million).
$(B)/bench/bench_library: bench/bench_library.c $(LAYER_LIBS)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) $(LDFLAGS_V) -o $@ $< $(LAYER_LIBS) $(LIBS)

.PHONY: bench-library
bench-library: $(B)/bench/bench_library ## a library of 100,000 vectors: making and opening its index, searches, memory
	$< $(PICTURES)
