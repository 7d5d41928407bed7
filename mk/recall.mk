# Recall of the index against the exact scan: `make recall` (some minutes; up to 4 GB of memory at a million rows of 1024).
$(B)/recall: tests/recall/recall.c tests/recall/data.h tests/recall/measure.h $(B)/vector.a $(B)/base.a
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS_V) -Itests/recall -o $@ $< $(B)/vector.a $(B)/base.a $(LIBS)

.PHONY: recall
recall: $(B)/recall ## recall@10 of the index at 10^4, 10^5 and 10^6 rows of 256-1024, and after churn
	@for dim in 256 512 768 1024; do for n in 10000 100000 1000000; do $< $$n $$dim 200 || exit 1; done; done
	@$< 100000 512 200 churn

# The same with what the program's own model makes of real pictures and their captions.
PHOTOS ?= ../shared/photos
.PHONY: recall-real
recall-real: $(B)/recall $(B)/parity-embed ## recall of the index on real embeddings (starter model, PHOTOS=../shared/photos and their captions)
	@mkdir -p build/recall
	@for f in $(PHOTOS)/flickr8k-test/*.jpg $(PHOTOS)/fashion-test/*.jpg; do printf 'image\t%s\n' "$$f"; done >build/recall/images
	@cut -f2 $(PHOTOS)/flickr8k-test.captions.tsv $(PHOTOS)/fashion-test.captions.tsv | sed 's/^/text\t/' >build/recall/texts
	@$(B)/parity-embed models/starter 2 build/recall/images build/recall/images.f32
	@$(B)/parity-embed models/starter 2 build/recall/texts build/recall/texts.f32
	@$(B)/recall real 384 build/recall/images.f32 build/recall/texts.f32
