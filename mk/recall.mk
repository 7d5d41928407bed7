# Recall of the index against the exact scan: `make recall` (some minutes; up to 4 GB of memory at a million rows of 1024).
$(B)/recall: tests/recall/recall.c tests/recall/data.h tests/recall/measure.h $(B)/vector.a $(B)/base.a
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS_V) -Itests/recall -o $@ $< $(B)/vector.a $(B)/base.a $(LIBS)

.PHONY: recall
recall: $(B)/recall ## recall@10 of the index at 10^4, 10^5 and 10^6 rows of 256-1024, and after churn
	@for dim in 256 512 768 1024; do for n in 10000 100000 1000000; do $< $$n $$dim 200 || exit 1; done; done
	@$< 100000 512 200 churn
