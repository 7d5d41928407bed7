# What filters cost, alone and in a search, and what their indexes cost: `make bench-filter [PICTURES=100000]`.
$(B)/bench/bench_filter: bench/bench_filter.c $(LAYER_LIBS)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) $(LDFLAGS_V) -o $@ $< $(LAYER_LIBS) $(LIBS)

.PHONY: bench-filter
bench-filter: $(B)/bench/bench_filter ## filters over 100,000 pictures: each kind of condition, whole searches, cost of the indexes
	$< $(PICTURES)
