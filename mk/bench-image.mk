# What a picture costs before the model sees it: `make bench-image [FILES="a.jpg b.png"]`.
$(B)/bench/bench_image: bench/bench_image.c $(B)/image.a $(B)/base.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) $(PKG_CFLAGS) $(LDFLAGS_V) -o $@ $< $(B)/image.a $(B)/base.a $(LIBS)

.PHONY: bench-image
bench-image: $(B)/bench/bench_image ## decode and prepare, ms a picture
	$< $(FILES)
