# Near hashes among many: `make bench-near [PICTURES=100000]`.
$(B)/bench/bench_near: bench/bench_near.c $(LAYER_LIBS)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) $(LDFLAGS_V) -o $@ $< $(LAYER_LIBS) $(LIBS)

.PHONY: bench-near
bench-near: $(B)/bench/bench_near ## near hashes among 100,000 pictures, by distance
	$< $(PICTURES)
